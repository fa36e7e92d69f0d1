// Collects dropped or chosen files (folders with their relative paths), sends each with PUT /api/upload, shows progress,
// and triggers `arrived` with {files, bytes} when everything is on disk.

const zones = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".zone")
  let zone = zones.get(parentElement)
  if (!zone) {
    zone = { busy: false, requests: new Set() }
    zones.set(parentElement, zone)
    draw(root, zone)
  }
  zone.data = data
  zone.done = (summary) => setTriggerValue("arrived", summary)
  root.classList.toggle("slim", Boolean(data.slim))
  root.querySelector(".title").textContent = data.title
  root.querySelector(".hint").textContent = data.hint
  root.querySelector(".folder").hidden = !data.folders
  return () => {
    zone.gone = true
    zone.requests.forEach((request) => request.abort())
    zones.delete(parentElement)
  }
}

function draw(root, zone) {
  root.innerHTML = `
    <div class="idle">
      <svg viewBox="0 0 32 32" aria-hidden="true"><path d="M16 21V7m0 0-5.5 5.5M16 7l5.5 5.5M6 20v3.5A2.5 2.5 0 0 0 8.5 26h15a2.5 2.5 0 0 0 2.5-2.5V20"/></svg>
      <div class="words"><div class="title"></div><div class="hint"></div></div>
      <div class="buttons">
        <button type="button" class="file">Choose a file</button>
        <button type="button" class="folder">Choose a folder</button>
      </div>
    </div>
    <div class="busy" hidden>
      <div class="line"><span class="doing"></span><span class="figures"></span></div>
      <div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div class="fill"></div></div>
      <button type="button" class="cancel">Cancel</button>
    </div>
    <div class="trouble" role="alert" hidden></div>
    <input type="file" class="files" multiple hidden aria-label="File to upload">
    <input type="file" class="tree" webkitdirectory hidden aria-label="Folder to upload">`
  const files = root.querySelector(".files")
  const tree = root.querySelector(".tree")
  root.querySelector(".file").onclick = () => files.click()
  root.querySelector(".folder").onclick = () => tree.click()
  files.onchange = () => send(root, zone, [...files.files].map((file) => ({ path: file.name, file })))
  tree.onchange = () => send(root, zone, [...tree.files].map((file) => ({ path: file.webkitRelativePath, file })))
  root.querySelector(".cancel").onclick = () => stop(root, zone, "")
  root.ondragover = (event) => {
    event.preventDefault()
    root.classList.add("over")
  }
  root.ondragleave = (event) => {
    if (!root.contains(event.relatedTarget)) root.classList.remove("over")
  }
  root.ondrop = async (event) => {
    event.preventDefault()
    root.classList.remove("over")
    if (zone.busy) return
    send(root, zone, await dropped(event.dataTransfer))
  }
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean)
  if (!entries.length) return [...transfer.files].map((file) => ({ path: file.name, file }))
  const found = []
  for (const entry of entries) await walk(entry, found)
  return found
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
    found.push({ path: entry.fullPath.replace(/^\//, ""), file })
    return
  }
  const reader = entry.createReader()
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)) // at most 100 at a time
    if (!batch.length) return
    for (const inner of batch) await walk(inner, found)
  }
}

const hidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX" || part === "Thumbs.db")

async function send(root, zone, chosen) {
  const items = chosen.filter((item) => !hidden(item.path))
  if (zone.busy) return
  if (!items.length) return trouble(root, "There was no file in what you dropped. Drop a file, a ZIP or a folder.")
  const total = items.reduce((sum, item) => sum + item.file.size, 0)
  if (total > zone.data.limit) {
    return trouble(root, `This is ${size(total)}; one upload may hold ${size(zone.data.limit)}. Drop a smaller file or a sample.`)
  }
  zone.busy = true
  trouble(root, "")
  show(root, ".idle", false)
  show(root, ".busy", true)
  const name = items.length === 1 ? items[0].file.name : `${items.length.toLocaleString("en")} files`
  root.querySelector(".doing").textContent = `Uploading ${name}`
  const state = { total, sent: 0, flying: new Map(), begun: performance.now() }
  const queue = [...items]
  zone.requests = new Set()
  try {
    await Promise.all(Array.from({ length: Math.min(4, queue.length) }, async () => {
      while (queue.length && zone.busy) await put(root, zone, state, queue.shift())
    }))
  } catch (error) {
    if (!zone.gone && error.message !== "aborted") stop(root, zone, error.message)
    return
  }
  if (!zone.busy) return
  root.querySelector(".figures").textContent = "Arrived"
  zone.done({ files: items.length, bytes: total })
}

function put(root, zone, state, item) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    zone.requests.add(request)
    request.open("PUT", `/api/upload?path=${encodeURIComponent(item.path)}`)
    request.setRequestHeader(zone.data.header, zone.data.grant)
    request.setRequestHeader("Content-Type", "application/octet-stream")
    request.upload.onprogress = (event) => {
      state.flying.set(request, event.loaded)
      progress(root, state)
    }
    request.onload = () => {
      zone.requests.delete(request)
      state.flying.delete(request)
      if (request.status === 200) {
        state.sent += item.file.size
        progress(root, state)
        return resolve()
      }
      let sentence = "The upload was refused. Reload the page and try again."
      try { sentence = JSON.parse(request.responseText).error || sentence } catch { /* not ours */ }
      reject(new Error(sentence))
    }
    request.onerror = () => reject(new Error("The connection to Deepboard broke off. Check that it is running, then drop the file again."))
    request.onabort = () => reject(new Error("aborted"))
    request.send(item.file)
  })
}

function progress(root, state) {
  const sent = Math.min(state.total, state.sent + [...state.flying.values()].reduce((sum, part) => sum + part, 0))
  const share = state.total ? sent / state.total : 1
  const seconds = (performance.now() - state.begun) / 1000
  const left = seconds > 1 && share > 0.02 && share < 1 ? ` · ${Math.ceil((seconds / share) * (1 - share))} s left` : ""
  root.querySelector(".fill").style.width = `${100 * share}%`
  root.querySelector(".bar").setAttribute("aria-valuenow", Math.round(100 * share))
  root.querySelector(".figures").textContent = `${size(sent)} of ${size(state.total)}${left}`
}

function stop(root, zone, sentence) {
  zone.busy = false
  zone.requests.forEach((request) => request.abort())
  zone.requests.clear()
  root.querySelectorAll("input").forEach((input) => { input.value = "" })
  show(root, ".busy", false)
  show(root, ".idle", true)
  trouble(root, sentence)
}

function trouble(root, sentence) {
  root.querySelector(".trouble").textContent = sentence
  show(root, ".trouble", Boolean(sentence))
}

const show = (root, selector, visible) => { root.querySelector(selector).hidden = !visible }

function size(bytes) {
  const units = ["B", "kB", "MB", "GB"]
  let step = 0
  while (bytes >= 999.5 && step < 3) { bytes /= 1000; step += 1 }
  return `${bytes >= 99.5 || step === 0 ? bytes.toFixed(0) : bytes.toFixed(1)} ${units[step]}`
}
