// What is given to a model: a file that is chosen, dropped or pasted, a picture of the camera, a recording, an example.
// Whatever it is ends in the form's own file field, so the form is sent as it would be without any script.
(function () {
  "use strict";
  const form = document.querySelector("[data-playground]");
  if (!form) return;
  const drop = form.querySelector("[data-drop]");
  const field = form.querySelector("input[type=file]");
  const find = (name) => drop.querySelector(`[data-${name}]`);

  function complain(text) {
    document.dispatchEvent(new CustomEvent("complaint", { detail: text }));
  }

  function put(file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    field.files = transfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // -- examples -----------------------------------------------------------------------------

  for (const link of form.querySelectorAll("[data-example-text]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const text = form.querySelector("[data-given]");
      text.value = link.dataset.exampleText;
      if (field) field.value = "";
      text.focus();
    });
  }
  for (const link of form.querySelectorAll("[data-example]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const answer = await fetch(link.href);
      if (!answer.ok) return complain("The example could not be had.");
      put(new File([await answer.blob()], link.dataset.example, { type: link.dataset.media }));
    });
  }
  if (!drop) return;

  // -- files --------------------------------------------------------------------------------

  find("scripted").hidden = false;
  const sound = drop.dataset.wants === "audio";

  async function preview(file) {
    const bitmap = await createImageBitmap(file);
    const canvas = find("preview");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    canvas.classList.toggle("small", bitmap.width < 128);
    canvas.hidden = false;
    return `${bitmap.width} x ${bitmap.height} pixels`;
  }

  // A recording is shown as a line and played from memory.
  let heard = null;
  async function decoded(blob, rate) {
    return new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  }
  async function listen(file) {
    heard = await decoded(file, 44100);
    const samples = heard.getChannelData(0);
    const canvas = find("preview");
    canvas.width = 600;
    canvas.height = 80;
    const drawn = canvas.getContext("2d");
    drawn.fillStyle = getComputedStyle(drop).color;
    const step = samples.length / canvas.width;
    for (let x = 0; x < canvas.width; x += 1) {
      let most = 0;
      for (let at = Math.floor(x * step); at < (x + 1) * step; at += 1) most = Math.max(most, Math.abs(samples[at] || 0));
      drawn.fillRect(x, 40 - 38 * most, 1, 1 + 76 * most);
    }
    canvas.hidden = find("play").hidden = false;
    return `${heard.duration.toFixed(1)} s`;
  }
  if (sound) {
    find("play").addEventListener("click", () => {
      const context = new AudioContext();
      const node = new AudioBufferSourceNode(context, { buffer: heard });
      node.connect(context.destination);
      node.addEventListener("ended", () => context.close());
      node.start();
    });
  }

  async function isWav(file) {
    const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
    return String.fromCharCode(...head) === "RIFF";
  }

  field.addEventListener("change", async () => {
    const file = field.files[0];
    for (const shown of drop.querySelectorAll("[data-preview], [data-play]")) shown.hidden = true;
    find("chosen").textContent = "";
    if (!file) return;
    if (file.size > Number(drop.dataset.most)) {
      field.value = "";
      return complain(`The file is too large: at most ${Math.floor(drop.dataset.most / 2 ** 20)} MB.`);
    }
    try {
      if (sound && !(await isWav(file))) return put(await wavOf(file, file.name));
      const told = await (sound ? listen(file) : preview(file));
      find("chosen").textContent = `${file.name}, ${told}`;
      complain("");
    } catch (error) {
      find("chosen").textContent = `${file.name} (this browser cannot show it)`;
    }
  });

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("over"));
  }
  function take(files) {
    if (files.length) put(files[0]);
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files));

  // -- camera and microphone: asked for only when somebody wants them -----------------------

  if (!navigator.mediaDevices) return; // a page without TLS on another machine gets neither
  find("live").hidden = false;

  async function stream(what) {
    try {
      return await navigator.mediaDevices.getUserMedia(what);
    } catch (error) {
      complain(`The browser gives no ${what.video ? "camera" : "microphone"}: ${error.message}. Choose a file instead.`);
      return null;
    }
  }
  const stop = (source) => source.getTracks().forEach((track) => track.stop());

  if (!sound) {
    const view = find("view");
    let source = null;
    find("camera").addEventListener("click", async () => {
      source = await stream({ video: { facingMode: "environment" } });
      if (!source) return;
      view.srcObject = source;
      await view.play();
      view.hidden = find("shoot").hidden = false;
      find("camera").hidden = true;
      find("shoot").focus();
    });
    find("shoot").addEventListener("click", () => {
      const canvas = document.createElement("canvas");
      canvas.width = view.videoWidth;
      canvas.height = view.videoHeight;
      canvas.getContext("2d").drawImage(view, 0, 0);
      stop(source);
      view.srcObject = null;
      view.hidden = find("shoot").hidden = true;
      find("camera").hidden = false;
      canvas.toBlob((blob) => put(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
    });
    return;
  }

  let recorder = null;
  const button = find("microphone");
  button.addEventListener("click", async () => {
    if (recorder) return recorder.stop();
    const source = await stream({ audio: true });
    if (!source) return;
    const parts = [];
    recorder = new MediaRecorder(source);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", async () => {
      stop(source);
      recorder = null;
      button.textContent = "Record with the microphone";
      put(await wavOf(new Blob(parts), "recording"));
    });
    recorder.start();
    button.textContent = "Stop recording";
  });

  // Any sound that the browser can play, as 16-bit mono at 16 kHz.
  async function wavOf(blob, name) {
    const rate = 16000;
    const buffer = await decoded(blob, rate);
    const context = new OfflineAudioContext(1, Math.max(1, Math.ceil(buffer.duration * rate)), rate);
    const node = new AudioBufferSourceNode(context, { buffer });
    node.connect(context.destination);
    node.start();
    const samples = (await context.startRendering()).getChannelData(0);
    const data = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const word = (at, text) => [...text].forEach((sign, index) => data.setUint8(at + index, sign.charCodeAt(0)));
    word(0, "RIFF");
    data.setUint32(4, 36 + 2 * samples.length, true);
    word(8, "WAVEfmt ");
    data.setUint32(16, 16, true);
    data.setUint16(20, 1, true);
    data.setUint16(22, 1, true);
    data.setUint32(24, rate, true);
    data.setUint32(28, 2 * rate, true);
    data.setUint16(32, 2, true);
    data.setUint16(34, 16, true);
    word(36, "data");
    data.setUint32(40, 2 * samples.length, true);
    samples.forEach((sample, at) => data.setInt16(44 + 2 * at, Math.max(-1, Math.min(1, sample)) * 32767, true));
    return new File([data], `${name.replace(/\.\w+$/, "")}.wav`, { type: "audio/wav" });
  }
})();
