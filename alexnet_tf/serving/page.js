"use strict";

// Every photograph has a number. What comes for an earlier one than the last
// is thrown away, and its requests are given up.
let shown = 0;
let current = null;
let running = null;
let signatures = [];
let stream = null;
// So many are told without being asked for.
const FEW_CLASSES = 20;

const get = id => document.getElementById(id);

async function ask(path, body, signal) {
  const headers = {};
  const key = sessionStorage.getItem("key");
  if (key) headers.Authorization = "Bearer " + key;
  const options = { headers, signal };
  if (body) Object.assign(options, { method: "POST", body });
  const response = await fetch(path, options);
  get("key").hidden = response.status !== 401;
  if (response.ok) return response;
  let words = response.statusText;
  try { words = (await response.json()).error; } catch { /* as it is */ }
  throw new Error(words.replace(/^Image 0 must/, "The file must"));
}

async function describe() {
  try {
    const found = await (await ask("/page/about")).json();
    signatures = found.signatures;
    get("about").textContent = "Model " + document.body.dataset.model +
      ", version " + found.version + ". It knows " +
      found.class_names.length + " classes, and takes everything for one.";
    showNames(found.class_names);
  } catch (error) {
    get("message").textContent = error.message;
  }
}

function showNames(names) {
  get("names").textContent = names.map(name => name.split(",")[0]).join(", ");
  get("known").hidden = !names.length;
  get("known").open = names.length <= FEW_CLASSES;
}

async function show(file) {
  if (!file) return;
  const number = ++shown;
  const isLast = () => number === shown;
  if (running) running.abort();
  running = new AbortController();
  const signal = running.signal;
  current = file;
  get("message").textContent = "";
  get("found").classList.add("busy");
  get("found").setAttribute("aria-busy", "true");
  try {
    if (!signatures.length) await describe();
    const crop = await (await ask("/page/crop", file, signal)).blob();
    const found = await guess(file, signal);
    if (!isLast()) return;
    setPicture("picture", file);
    setPicture("crop", crop);
    get("map").hidden = get("lay").hidden = true;
    get("maps").removeAttribute("src");
    showGuesses(found);
    get("found").hidden = false;
    // On a phone it stands below the screen.
    if (get("found").getBoundingClientRect().top > 0.8 * innerHeight) {
      get("found").scrollIntoView();
    }
    get("layer").hidden = !signatures.includes("conv1");
    if (signatures.includes("explain")) await explain(file, signal, isLast);
    if (signatures.includes("conv1")) {
      const maps = await (await ask("/page/conv1", file, signal)).blob();
      if (isLast()) setPicture("maps", maps);
    }
  } catch (error) {
    if (!isLast() || error.name === "AbortError") return;
    get("found").hidden = true;
    get("message").textContent = error.message;
  } finally {
    if (isLast()) {
      get("found").classList.remove("busy");
      get("found").removeAttribute("aria-busy");
    }
  }
}

async function guess(file, signal) {
  const crops = get("ten").checked ? 10 : 1;
  return (await ask("/page/classes?crops=" + crops, file, signal)).json();
}

async function explain(file, signal, isLast) {
  const found = await (await ask("/page/explain", file, signal)).json();
  if (!isLast()) return;
  get("map").src = found.map;
  get("lay").hidden = false;
  get("map").hidden = !get("looked").checked;
}

function showGuesses(found) {
  get("guesses").replaceChildren(...found.class_names.map((name, place) => {
    const share = found.probabilities[place];
    const row = document.createElement("li");
    const bar = document.createElement("progress");
    bar.value = share;
    bar.setAttribute("aria-hidden", "true");
    const label = document.createElement("span");
    label.textContent = name.split(",")[0];
    label.title = name;
    const percent = document.createElement("span");
    percent.textContent = (100 * share).toFixed(1) + "%";
    row.append(bar, label, percent);
    return row;
  }));
  const best = found.class_names[0].split(",")[0];
  get("similar").textContent = found.similar.length
    ? "To the network most like " + best + ": " +
      found.similar.map(c => c.name.split(",")[0]).join(", ")
    : "";
}

function setPicture(id, blob) {
  const image = get(id);
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

async function startCamera() {
  // Browsers give the camera to safe places only: this machine, or https.
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    get("capture").click();
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia(
      { video: { facingMode: "environment" } });
  } catch (error) {
    get("message").textContent = "There is no camera: " + error.message;
    return;
  }
  get("video").srcObject = stream;
  get("viewfinder").hidden = false;
  await get("video").play();
  get("take").focus();
}

function stopCamera() {
  if (stream) for (const track of stream.getTracks()) track.stop();
  stream = null;
  get("viewfinder").hidden = true;
}

function takePicture() {
  const video = get("video");
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  stopCamera();
  canvas.toBlob(show, "image/jpeg", 0.95);
}

function imageOf(transfer) {
  return [...transfer.files].find(file => file.type.startsWith("image/")) ||
    transfer.files[0];
}

function addExamples() {
  for (let number = 0; number < 4; number++) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    const image = document.createElement("img");
    image.src = "/examples/" + number + ".jpg";
    image.alt = "Example " + (number + 1);
    button.append(image);
    button.onclick = async () => show(await (await fetch(image.src)).blob());
    get("examples").append(button);
  }
}

function listen() {
  const drop = get("drop");
  // Also beside the field: the browser would leave the page for the file.
  document.ondragover = event => event.preventDefault();
  document.ondrop = event => {
    event.preventDefault();
    drop.classList.remove("over");
    show(imageOf(event.dataTransfer));
  };
  drop.ondragenter = () => drop.classList.add("over");
  drop.ondragleave = event => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
  };
  document.onpaste = event => show(imageOf(event.clipboardData));
  get("choose").onclick = () => get("file").click();
  for (const id of ["file", "capture"]) {
    get(id).onchange = event => {
      show(event.target.files[0]);
      // The same file may be chosen twice.
      event.target.value = "";
    };
  }
  get("camera").onclick = startCamera;
  get("take").onclick = takePicture;
  get("stop").onclick = stopCamera;
  document.onkeydown = event => { if (event.key === "Escape") stopCamera(); };
  get("ten").onchange = () => show(current);
  get("looked").onchange = () => { get("map").hidden = !get("looked").checked; };
  get("key").onsubmit = event => {
    event.preventDefault();
    sessionStorage.setItem("key", get("secret").value.trim());
    signatures = [];
    if (current) show(current); else describe();
  };
}

addExamples();
listen();
describe();
