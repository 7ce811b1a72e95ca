/**
 * Sets the chosen theme before the first paint. It is a classic script, because modules run too late. settings.js
 * applies later changes.
 */
try {
    const stored = JSON.parse(localStorage.getItem("marquee.settings") ?? "{}");
    const theme = new URLSearchParams(location.search).get("theme") ?? stored.theme;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
    // Without storage, or with invalid JSON in it, the system's theme stays.
}
