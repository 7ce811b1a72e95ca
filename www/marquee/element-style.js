/** The style of `<marquee-poster>`. A constructed style sheet needs no permission from a content security policy. */

const CSS = `
:host {
    --_accent: var(--marquee-accent, #8f1d2c);
    --_border: var(--marquee-border, color-mix(in srgb, currentColor 30%, transparent));
    --_radius: var(--marquee-radius, 8px);
    display: inline-block;
    box-sizing: border-box;
    inline-size: var(--marquee-width, 16rem);
    max-inline-size: 100%;
    color: inherit;
    font: inherit;
}
:host([hidden]) { display: none; }
.picture { position: relative; }
.frame { border: 1px dashed var(--_border); border-radius: var(--_radius); overflow: hidden; }
.frame.filled { border-style: solid; }
.frame.dragging { outline: 3px solid var(--_accent); outline-offset: 2px; }
img, canvas { display: block; inline-size: 100%; block-size: auto; }
canvas { position: absolute; inset: 0; block-size: 100%; opacity: 0.75; pointer-events: none; }
.choose {
    display: block; box-sizing: border-box; inline-size: 100%; min-block-size: 44px; padding: 0.75em;
    border: 0; background: none; color: inherit; font: inherit; cursor: pointer; overflow-wrap: anywhere;
}
.frame:not(.filled) .choose { padding-block: 4em; }
button:focus-visible { outline: 3px solid var(--_accent); outline-offset: -3px; }
ol { list-style: none; margin: 0.5em 0 0; padding: 0; }
.row {
    display: grid; grid-template-columns: 1fr auto; gap: 0 0.5em; box-sizing: border-box; inline-size: 100%;
    padding: 0.35em 0.25em; border: 0; background: none; color: inherit; font: inherit; text-align: start;
}
button.row { min-block-size: 44px; cursor: pointer; border-radius: var(--_radius); }
button.row[aria-pressed="true"] { background: color-mix(in srgb, var(--_accent) 15%, transparent); }
.likely .name { font-weight: bold; }
.percent { font-variant-numeric: tabular-nums; }
.bar { grid-column: 1 / -1; block-size: 4px; border-radius: 2px; background: color-mix(in srgb, currentColor 15%, transparent); }
.bar > span { display: block; block-size: 100%; border-radius: inherit; background: var(--_accent); }
p { margin: 0; overflow-wrap: anywhere; }
p:not(:empty) { margin-block-start: 0.5em; }
[hidden] { display: none; }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

export function styleSheet() {
    if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
    }
    return sheet;
}
