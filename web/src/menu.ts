// The menu in the top bar closes by Escape and by a tap elsewhere, as people expect.

export function closeMenus(): void {
  const menu = document.querySelector<HTMLDetailsElement>("details.menu");
  document.addEventListener("click", (event) => {
    if (menu?.open && event.target instanceof Node && !menu.contains(event.target)) {
      menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu?.open) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}
