/** Whether this engine has WebAssembly SIMD, which the packages are built with. Every browser has it since 2023. */

/** The smallest module with an instruction of SIMD: `i8x16.splat(0)`. */
const MODULE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

export function hasSimd() {
    return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(MODULE));
}
