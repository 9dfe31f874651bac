// A suggested start taken over into the form by one tap: button[data-take], which without scripts
// sends the form to be checked anew.

export function takeSuggestions(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-take]");
    if (!button?.form) return;
    event.preventDefault();
    const [day, time] = button.value.split("T");
    for (const [name, value] of [["date", day], ["time", time]] as const) {
      const field = button.form.elements.namedItem(name);
      if (!(field instanceof HTMLInputElement)) continue;
      field.value = value ?? "";
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}
