// What every page loads: htmx, the live stream, and small helps for forms. All pages work without.
import "../styles/main.css";
import "htmx.org";
import { fillDrafts } from "./draft";
import { filterLists } from "./filter";
import { holdToSend } from "./hold";
import { listen } from "./live";
import { closeMenus } from "./menu";
import { choosePlaces } from "./places";
import { revealPasswords } from "./reveal";
import { showFields } from "./shows";
import { takeSuggestions } from "./take";
import { sendUploads } from "./upload";
import { WeekSheet } from "./week";

document.documentElement.classList.add("scripted");
// Drafts first: what they fill in decides which fields show.
fillDrafts();
showFields();
filterLists();
choosePlaces();
revealPasswords();
closeMenus();
sendUploads();
holdToSend();
takeSuggestions();
customElements.define("week-sheet", WeekSheet);
for (const button of document.querySelectorAll<HTMLElement>("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
listen(document.body);
