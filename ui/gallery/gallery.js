// Draws the pictures and triggers `picked` with the number of the one that was clicked.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".gallery")
  root.innerHTML = data.html
  root.onclick = (event) => {
    const cell = event.target.closest("button[data-number]")
    if (cell) setTriggerValue("picked", Number(cell.dataset.number))
  }
}
