// Follows a job while it waits and runs, and shows its page anew when it has ended.
const panel = document.querySelector("[data-events]");

function show(job) {
  const part = (name) => panel.querySelector(`[data-job="${name}"]`);
  const put = (name, text) => {
    // Only what is another text is told to who listens to the page.
    if (part(name).textContent !== text) part(name).textContent = text;
  };
  put("state", job.state);
  put("place", job.position ? `, number ${job.position} in the queue` : "");
  put("message", job.message);
  if (job.progress > 0) part("progress").value = Math.round(100 * job.progress);
  else part("progress").removeAttribute("value");
}

if (panel && "EventSource" in window) {
  const source = new EventSource(panel.dataset.events);
  source.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    show(job);
    if (["finished", "failed", "cancelled"].includes(job.state)) {
      source.close();
      location.reload();
    }
  });
}
