// Sends the form without leaving the page, follows the job, and shows the answers below. Without this script the form
// leads to the page of the job.
(function () {
  "use strict";
  const form = document.querySelector("[data-playground]");
  if (!form || !("EventSource" in window)) return;
  const part = (name) => document.querySelector(`[data-${name}]`);
  const bar = part("progress").querySelector("progress");
  const button = form.querySelector("[type=submit]");
  const ended = ["finished", "failed", "cancelled"];

  function complain(text) {
    const box = part("complaint");
    box.replaceChildren();
    if (!text) return;
    const told = document.createElement("pre");
    told.className = "failure";
    told.textContent = text;
    box.append(told);
    box.scrollIntoView({ block: "center" });
  }
  document.addEventListener("complaint", (event) => complain(event.detail));

  function busy(is) {
    button.disabled = is;
    part("progress").hidden = !is;
  }

  function told(job) {
    const place = job.position ? `, number ${job.position} in the queue` : "";
    if (part("state").textContent !== job.state + place) part("state").textContent = job.state + place;
    part("message").textContent = job.message;
    if (job.progress > 0) bar.value = Math.round(100 * job.progress);
    else bar.removeAttribute("value");
  }

  async function show(id) {
    const answer = await fetch(`/playground/answers/${id}`);
    busy(false);
    if (!answer.ok) return complain("The answers could not be had.");
    part("place").innerHTML = await answer.text(); // the hub's own HTML, escaped where it was made
    part("place").querySelectorAll("[data-seen]").forEach(underlay);
    part("answers").hidden = false;
    part("answers").focus({ preventScroll: true });
    part("answers").scrollIntoView({ block: "start" });
  }

  // The picture is on this page alone: a copy of its preview goes under what was found in it.
  function underlay(figure) {
    const preview = part("preview");
    if (!preview || preview.hidden) return;
    const copy = document.createElement("canvas");
    copy.width = preview.width;
    copy.height = preview.height;
    copy.getContext("2d").drawImage(preview, 0, 0);
    copy.setAttribute("aria-hidden", "true");
    figure.prepend(copy);
    figure.querySelector("[data-blank]").remove();
  }

  function follow(id) {
    const source = new EventSource(`/api/jobs/${id}/events`);
    source.addEventListener("job", (event) => {
      const job = JSON.parse(event.data);
      told(job);
      if (!ended.includes(job.state)) return;
      source.close();
      show(id);
    });
    source.addEventListener("error", () => {
      // The browser comes back by itself, unless the hub has told it not to.
      if (source.readyState === EventSource.CLOSED) show(id);
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complain("");
    part("answers").hidden = true;
    busy(true);
    told({ state: "sending", message: "", progress: 0 });
    part("progress").scrollIntoView({ block: "nearest" });
    try {
      const answer = await fetch("/api/jobs", { method: "POST", body: new FormData(form) });
      const said = await answer.json();
      if (answer.ok) return follow(said.id);
      const told = ["expected", "got", "hint"].filter((key) => said[key]).map((key) => `${key}: ${said[key]}`);
      complain([said.detail || said.title || "The hub refused this.", ...told].join("\n"));
    } catch (error) {
      complain(`The hub does not answer: ${error.message}`);
    }
    busy(false);
  });
})();
