// A place and a place within it are not chosen both: the last tap counts. Who taps one village means
// that village, also where the whole commune was ticked before.

export function choosePlaces(): void {
  for (const list of document.querySelectorAll("[data-places]")) {
    const items = [...list.querySelectorAll<HTMLElement>("[data-depth]")];
    list.addEventListener("change", (event) => {
      const box = event.target as HTMLInputElement;
      const at = items.findIndex((item) => item.contains(box));
      if (at < 0 || !box.checked) return;
      for (const other of [...above(items, at), ...below(items, at)]) {
        const input = other.querySelector<HTMLInputElement>("input");
        if (input) input.checked = false;
      }
    });
  }
}

function depth(item?: HTMLElement): number {
  return Number(item?.dataset["depth"] ?? 0);
}

function above(items: HTMLElement[], at: number): HTMLElement[] {
  const found: HTMLElement[] = [];
  let level = depth(items[at]);
  for (const item of items.slice(0, at).reverse()) {
    if (depth(item) < level) {
      found.push(item);
      level = depth(item);
    }
  }
  return found;
}

function below(items: HTMLElement[], at: number): HTMLElement[] {
  const rest = items.slice(at + 1);
  const end = rest.findIndex((item) => depth(item) <= depth(items[at]));
  return end < 0 ? rest : rest.slice(0, end);
}
