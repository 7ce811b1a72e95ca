// Nothing of it is about Marquee.
export default { build: { target: "es2022" } };
