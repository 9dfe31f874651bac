// How much of a recording was really listened to: the share of it that was played, skips left out.
// It informs who decides; it forbids nothing.

function show(player: HTMLMediaElement): void {
  const place = player.nextElementSibling;
  if (!(place instanceof HTMLElement) || !place.matches(".heard")) return;
  let played = 0;
  for (let i = 0; i < player.played.length; i++) played += player.played.end(i) - player.played.start(i);
  const share = player.duration > 0 ? Math.min(100, Math.round((100 * played) / player.duration)) : 0;
  place.hidden = share === 0;
  const text = share >= 98 ? place.dataset["whole"] : place.dataset["text"]?.replace("{}", String(share));
  if (text && place.textContent !== text) place.textContent = text;
}

// Media events do not bubble; capturing hears those of every player, also of ones that come later.
for (const name of ["timeupdate", "ended"]) {
  document.addEventListener(name, (event) => show(event.target as HTMLMediaElement), true);
}
// A live update of the queue writes the page's own words over ours.
document.addEventListener("htmx:after:swap", () => {
  for (const player of document.querySelectorAll("audio")) show(player);
});
