// Draws the leaderboard and triggers `opened` with the model of the row that was clicked.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".board")
  root.innerHTML = data.html
  root.onclick = (event) => {
    const row = event.target.closest("tr[data-model]")
    if (row) setTriggerValue("opened", row.dataset.model)
  }
}
