/** Sets a chosen theme before the first paint; a module would come too late. settings.js does all the rest. */
try {
    const stored = JSON.parse(localStorage.getItem("marquee.settings") ?? "{}");
    const theme = new URLSearchParams(location.search).get("theme") ?? stored.theme;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
    // Without storage, or with another's in it, the system's theme does.
}
