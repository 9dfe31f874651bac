// Shows the fields that go with a choice: [data-shown-by=NAME][data-shown-for="a b"].

export function showFields(): void {
  for (const form of document.querySelectorAll("form")) {
    const dependent = form.querySelectorAll<HTMLElement>("[data-shown-by]");
    if (!dependent.length) continue;
    const update = () => {
      const chosen = new FormData(form);
      for (const part of dependent) {
        const value = String(chosen.get(part.dataset["shownBy"] ?? "") ?? "");
        part.hidden = !(part.dataset["shownFor"] ?? "").split(" ").includes(value);
      }
    };
    form.addEventListener("change", update);
    update();
  }
}
