/**
 * Sets what the first paint depends on: the language, its direction and the theme. It is a classic script, because
 * modules run too late. settings.js applies later changes of the theme.
 */
(() => {
    /** By tag; the first one is the fallback. strings/index.js has their names. */
    const LANGUAGES = ["en", "de", "fr", "es", "hi", "ja", "ar"];
    const RIGHT_TO_LEFT = ["ar"];

    /** @type {Record<string, unknown>} */
    let stored = {};
    try {
        stored = JSON.parse(localStorage.getItem("marquee.settings") ?? "{}") ?? {};
    } catch {
        // Without storage, or with invalid JSON in it, the page follows the browser and the system.
    }
    const address = new URLSearchParams(location.search);
    /** Returns a setting if it has an allowed value: that of the address, or else the stored one. */
    const chosen = (/** @type {string} */ name, /** @type {string[]} */ allowed) =>
        [address.get(name), stored[name]].map(String).find((value) => value === "system" || allowed.includes(value));

    const wanted = navigator.languages.flatMap((tag) => [tag, tag.split("-")[0] ?? tag]);
    const ofBrowser = wanted.find((tag) => LANGUAGES.includes(tag)) ?? LANGUAGES[0] ?? "";
    const setting = chosen("language", LANGUAGES) ?? "system";
    const language = setting === "system" ? ofBrowser : setting;
    const theme = chosen("theme", ["light", "dark"]) ?? "system";

    const root = document.documentElement;
    root.lang = language;
    root.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
    root.dataset.browserLanguage = ofBrowser;
    if (theme !== "system") root.dataset.theme = theme;

    // Only this language's strings are loaded, together with the modules that index.html lists.
    const table = document.createElement("link");
    table.rel = "modulepreload";
    table.href = `js/strings/${language}.js`;
    document.head.append(table);
})();
