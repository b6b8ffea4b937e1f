// The form of a dose: the vaccine decides which items are asked and which number comes next.
// Without script every item is there and the number is typed.
const vaccine = document.getElementById("dose-vaccine");
const number = document.getElementById("dose-dose_number");

function show(selector, wanted) {
  for (const item of document.querySelectorAll(selector)) {
    const field = item.querySelector("input, select, textarea");
    // What holds a value or an error stays in sight, or it would be sent unseen.
    item.hidden = !wanted && !field?.value && !item.classList.contains("has-error");
  }
}

function follow() {
  const has = (list) => (vaccine.dataset[list] ?? "").split(" ").includes(vaccine.value);
  show(".covid-item", has("covid"));
  show(".pneumococcal-item", has("pneumococcal"));
}

if (vaccine && number) {
  const next = JSON.parse(vaccine.dataset.nextNumbers ?? "{}");
  let offered = next[vaccine.value] && String(next[vaccine.value]);
  follow();
  vaccine.addEventListener("change", () => {
    // A number that somebody typed is theirs; one that was offered follows the vaccine.
    if (vaccine.value in next && (number.value === "" || number.value === offered)) {
      offered = String(next[vaccine.value]);
      number.value = offered;
    }
    follow();
  });
}
