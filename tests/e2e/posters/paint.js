/**
 * Paints a poster on a canvas: a composition of shapes, light and clouds, which brush strokes then paint over, with
 * lettering, grain and a vignette on top. Everything random has a seed, so a poster looks the same each time.
 *
 * @typedef {(x: number, y: number) => number} Field  a value for each point of the poster
 * @typedef {[number, string][]} Stops  of a gradient
 * @typedef {{ unitsPerEm: number, glyphs: Record<string, [number, string]> }} Font  advance width and outline by letter
 */

export const WIDTH = 400;
export const HEIGHT = 600;

/** Pixels of the canvas per unit. */
const SCALE = 2;

/** Returns a generator of random numbers in 0..1. @param {number} seed */
export function random(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** Returns fractal noise in about 0..1, smooth over a distance of 1. @param {number} seed @param {number} octaves @returns {Field} */
export function noise(seed, octaves = 5) {
    const next = random(seed);
    const lattice = Float32Array.from({ length: 65536 }, next);
    const at = (/** @type {number} */ x, /** @type {number} */ y) => lattice[((y & 255) << 8) | (x & 255)] ?? 0;
    const smooth = (/** @type {number} */ t) => t * t * (3 - 2 * t);
    const single = (/** @type {number} */ x, /** @type {number} */ y) => {
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [u, v] = [smooth(x - left), smooth(y - top)];
        const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
        const lower = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u;
        return upper * (1 - v) + lower * v;
    };
    return (x, y) => {
        let [sum, weight, total] = [0, 1, 0];
        for (let octave = 0; octave < octaves; octave++) {
            sum += weight * single(x * 2 ** octave + 17.3 * octave, y * 2 ** octave + 9.1 * octave);
            total += weight;
            weight /= 2;
        }
        return sum / total;
    };
}

/** Returns 0 below `low`, 1 above `high`, and a smooth ramp between. @param {number} low @param {number} high @param {number} value */
export function ramp(low, high, value) {
    const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return t * t * (3 - 2 * t);
}

export class Painting {
    #letters;
    #random;

    /** @param {Record<string, Font>} letters @param {number} seed */
    constructor(letters, seed) {
        this.#letters = letters;
        this.#random = random(seed);
        this.canvas = document.createElement("canvas");
        this.canvas.width = WIDTH * SCALE;
        this.canvas.height = HEIGHT * SCALE;
        const context = this.canvas.getContext("2d", { willReadFrequently: true });
        if (!context) throw new Error("this browser has no canvas");
        this.context = context;
        context.scale(SCALE, SCALE);
        context.lineCap = context.lineJoin = "round";
    }

    /** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 @param {Stops} stops */
    linear(x0, y0, x1, y1, stops) {
        const gradient = this.context.createLinearGradient(x0, y0, x1, y1);
        for (const [at, colour] of stops) gradient.addColorStop(at, colour);
        return gradient;
    }

    /** @param {number} x @param {number} y @param {number} radius @param {Stops} stops */
    radial(x, y, radius, stops) {
        const gradient = this.context.createRadialGradient(x, y, 0, x, y, radius);
        for (const [at, colour] of stops) gradient.addColorStop(at, colour);
        return gradient;
    }

    /**
     * Fills a shape, or the whole poster.
     *
     * @param {string | CanvasGradient} style
     * @param {string} [outline]  as in SVG's `d`
     * @param {{ blur?: number, alpha?: number, blend?: GlobalCompositeOperation, line?: number, clip?: string }} [how]
     */
    fill(style, outline = `M-9 -9H${WIDTH + 9}V${HEIGHT + 9}H-9Z`, { blur = 0, alpha = 1, blend = "source-over", line, clip } = {}) {
        const { context } = this;
        context.save();
        if (clip) context.clip(new Path2D(clip));
        if (blur) context.filter = `blur(${blur * SCALE}px)`;
        context.globalAlpha = alpha;
        context.globalCompositeOperation = blend;
        context.fillStyle = context.strokeStyle = style;
        const path = new Path2D(outline);
        if (line) {
            context.lineWidth = line;
            context.stroke(path);
        } else context.fill(path);
        context.restore();
    }

    /**
     * Adds light or darkness that varies over the poster.
     *
     * @param {[number, number, number]} colour
     * @param {Field} strength  0..1
     * @param {GlobalCompositeOperation} [blend]
     */
    mist([red, green, blue], strength, blend = "source-over") {
        const layer = new OffscreenCanvas(WIDTH, HEIGHT);
        const context = /** @type {OffscreenCanvasRenderingContext2D} */ (layer.getContext("2d"));
        const image = context.createImageData(WIDTH, HEIGHT);
        for (let y = 0; y < HEIGHT; y++) {
            for (let x = 0; x < WIDTH; x++) {
                image.data.set([red, green, blue, 255 * Math.min(1, Math.max(0, strength(x, y)))], 4 * (y * WIDTH + x));
            }
        }
        context.putImageData(image, 0, 0);
        this.context.save();
        this.context.globalCompositeOperation = blend;
        this.context.drawImage(layer, 0, 0, WIDTH, HEIGHT);
        this.context.restore();
    }

    /**
     * Paints the picture over with brush strokes that follow its edges, coarse ones first. Fine strokes are only where
     * the picture has details.
     *
     * @param {{ width: number, every: number, detail: number }[]} passes  brush width, distance of strokes, and the
     *     least difference from the painting so far that needs another stroke
     * @param {number} [vivid]  how much a stroke's colour varies, in 0..255
     */
    brush(passes, vivid = 10) {
        const { canvas, context } = this;
        const { width, height } = canvas;
        const source = context.getImageData(0, 0, width, height).data;
        const luminance = this.#blurred(3);
        for (const pass of passes) {
            const painted = context.getImageData(0, 0, width, height).data;
            const step = pass.every * SCALE;
            const spots = [];
            for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) spots.push([x + this.#random() * step, y + this.#random() * step]);
            spots.sort(() => this.#random() - 0.5);
            for (const [x = 0, y = 0] of spots) {
                const pixel = 4 * (Math.min(height - 1, Math.round(y)) * width + Math.min(width - 1, Math.round(x)));
                const colour = [0, 1, 2].map((channel) => source[pixel + channel] ?? 0);
                const missing = colour.reduce((sum, value, channel) => sum + Math.abs(value - (painted[pixel + channel] ?? 0)), 0);
                if (pass !== passes[0] && missing < pass.detail) continue;
                this.#stroke(x, y, pass.width * SCALE, colour, luminance, source, vivid);
            }
        }
    }

    /** @param {number} x @param {number} y @param {number} width @param {number[]} colour @param {Float32Array} luminance @param {Uint8ClampedArray} source @param {number} vivid */
    #stroke(x, y, width, colour, luminance, source, vivid) {
        const { canvas, context } = this;
        const at = (/** @type {number} */ x, /** @type {number} */ y) =>
            Math.min(canvas.height - 1, Math.max(0, Math.round(y))) * canvas.width + Math.min(canvas.width - 1, Math.max(0, Math.round(x)));
        const shade = (this.#random() - 0.5) * vivid;
        const tint = colour.map((value) => Math.round(value + shade + (this.#random() - 0.5) * vivid * 0.6));
        context.save();
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.strokeStyle = `rgb(${tint})`;
        context.globalAlpha = 0.85;
        context.lineWidth = width * (0.7 + 0.6 * this.#random());
        context.beginPath();
        context.moveTo(x, y);
        let [dx, dy] = [0, 0];
        for (let piece = 0; piece < 6; piece++) {
            const gradientX = (luminance[at(x + 2, y)] ?? 0) - (luminance[at(x - 2, y)] ?? 0);
            const gradientY = (luminance[at(x, y + 2)] ?? 0) - (luminance[at(x, y - 2)] ?? 0);
            const length = Math.hypot(gradientX, gradientY);
            let [nextX, nextY] = length > 0.4 ? [-gradientY / length, gradientX / length] : piece ? [dx, dy] : [Math.cos(x * 0.004 + y * 0.007), Math.sin(x * 0.004 + y * 0.007)];
            if (nextX * dx + nextY * dy < 0) [nextX, nextY] = [-nextX, -nextY];
            [dx, dy] = [0.5 * dx + 0.5 * nextX, 0.5 * dy + 0.5 * nextY];
            x += dx * width;
            y += dy * width;
            const there = 4 * at(x, y);
            const off = colour.reduce((sum, value, channel) => sum + Math.abs(value - (source[there + channel] ?? 0)), 0);
            if (off > 48) break;
            context.lineTo(x, y);
        }
        context.lineTo(x + 0.1, y);
        context.stroke();
        context.restore();
    }

    /** Returns the luminance of the blurred picture. @param {number} radius */
    #blurred(radius) {
        const { width, height } = this.canvas;
        const layer = new OffscreenCanvas(width, height);
        const context = /** @type {OffscreenCanvasRenderingContext2D} */ (layer.getContext("2d"));
        context.filter = `blur(${radius}px)`;
        context.drawImage(this.canvas, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        return Float32Array.from({ length: width * height }, (_, pixel) =>
            0.3 * (data[4 * pixel] ?? 0) + 0.59 * (data[4 * pixel + 1] ?? 0) + 0.11 * (data[4 * pixel + 2] ?? 0));
    }

    /**
     * Sets a line of text, centred. Returns its width.
     *
     * @param {string} text
     * @param {{ font: string, size?: number, width?: number, x?: number, y: number, style: string | CanvasGradient, track?: number,
     *     stretch?: number, blur?: number, alpha?: number, blend?: GlobalCompositeOperation, line?: number, skew?: number }} how
     *     either its size or the width that it fills
     */
    letter(text, { font, size, width, x = WIDTH / 2, y, style, track = 0, stretch = 1, blur = 0, alpha = 1, blend = "source-over", line, skew = 0 }) {
        const face = this.#letters[font];
        if (!face) throw new Error(`no font ${font}`);
        const em = face.unitsPerEm;
        const glyphs = [...text].map((letter) => face.glyphs[letter] ?? [em / 4, ""]);
        const advance = glyphs.reduce((sum, [wide]) => sum + wide / em, 0) + track * (glyphs.length - 1);
        const height = size ?? (width ?? WIDTH) / advance / stretch;
        const { context } = this;
        context.save();
        context.globalAlpha = alpha;
        context.globalCompositeOperation = blend;
        if (blur) context.filter = `blur(${blur * SCALE}px)`;
        context.fillStyle = context.strokeStyle = style;
        const whole = new Path2D();
        let left = x - (advance * height * stretch) / 2;
        for (const [wide, outline] of glyphs) {
            const scale = height / em;
            whole.addPath(new Path2D(outline), new DOMMatrix([scale * stretch, 0, skew * scale, -scale, left, y]));
            left += (wide / em + track) * height * stretch;
        }
        if (line) {
            context.lineWidth = line;
            context.stroke(whole);
        } else context.fill(whole);
        context.restore();
        return advance * height * stretch;
    }

    /**
     * Sets the credits as posters do: narrow capitals, roles small beside names.
     *
     * @param {string[]} lines
     * @param {{ y: number, style: string, size?: number }} how
     */
    credits(lines, { y, style, size = 11 }) {
        lines.forEach((line, index) => this.letter(line.toUpperCase(), { font: "credits", size, y: y + index * size * 1.12, style, stretch: 0.8, track: 0.02, alpha: 0.85 }));
    }

    /** Darkens the corners. @param {number} strength 0..1 */
    vignette(strength, colour = "0 0 0") {
        const { context } = this;
        const gradient = context.createRadialGradient(WIDTH / 2, HEIGHT * 0.48, 140, WIDTH / 2, HEIGHT * 0.48, 400);
        gradient.addColorStop(0, `rgb(${colour} / 0)`);
        gradient.addColorStop(1, `rgb(${colour} / ${strength})`);
        this.fill(gradient);
    }

    /** Adds the grain of film. @param {number} strength in 0..255 */
    grain(strength) {
        const { context, canvas } = this;
        const image = context.getImageData(0, 0, canvas.width, canvas.height);
        for (let pixel = 0; pixel < image.data.length; pixel += 4) {
            const change = (this.#random() + this.#random() - 1) * strength;
            for (const channel of [0, 1, 2]) image.data[pixel + channel] = (image.data[pixel + channel] ?? 0) + change;
        }
        context.putImageData(image, 0, 0);
    }

    /** Returns the poster as a JPEG in a data URL. @param {number} quality */
    jpeg(quality) {
        const small = document.createElement("canvas");
        small.width = WIDTH;
        small.height = HEIGHT;
        const context = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
        context.imageSmoothingQuality = "high";
        context.drawImage(this.canvas, 0, 0, WIDTH, HEIGHT);
        return small.toDataURL("image/jpeg", quality);
    }
}
