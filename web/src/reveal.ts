// A button beside a password that shows what was typed: thumbs on small keys make mistakes.

export function revealPasswords(): void {
  const english = document.documentElement.lang === "en";
  const words: [string, string] = english ? ["Show", "Hide"] : ["Hiện", "Ẩn"];
  for (const box of document.querySelectorAll<HTMLElement>(".reveal")) {
    const input = box.querySelector("input");
    if (!input) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button reveal-button";
    button.textContent = words[0];
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.textContent = words[shown ? 1 : 0];
    });
    box.append(button);
  }
}
