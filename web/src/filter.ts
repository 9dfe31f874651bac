// Narrows a list as one types, with or without accents: input[data-filter=ID OF THE LIST].

export function filterLists(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-filter]")) {
    const list = document.getElementById(input.dataset["filter"] ?? "");
    input.addEventListener("input", () => {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      for (const item of list?.querySelectorAll<HTMLElement>("[data-words]") ?? []) {
        const text = plain(item.dataset["words"] ?? "");
        const chosen = item.querySelector<HTMLInputElement>("input:checked") !== null;
        item.hidden = !chosen && !words.every((word) => text.includes(word));
      }
    });
    // Enter in the search field must not send the form around it.
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll("đ", "d")
    .normalize("NFD")
    .replace(/\p{M}/gu, "");
}
