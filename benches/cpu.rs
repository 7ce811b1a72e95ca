//! Benchmarks of the CPU kernels, natively, at layer sizes of the shipped model. `cargo xtask bench web` measures the
//! whole model in a browser.
//!
//! Throughput is in multiplications; a SIMD multiply-add instruction performs two per lane.
#![allow(clippy::unwrap_used)] // panics show where a benchmark fails

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    divan::main();
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::fmt;

    use divan::Bencher;
    use divan::counter::ItemsCount;
    use marquee::architecture::Architecture;
    use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
    use marquee::cpu::CpuModel;
    use marquee::cpu::depthwise::Depthwise;
    use marquee::cpu::fixed_point::{self, Format};
    use marquee::cpu::pointwise::{Expand, Precision, Project};
    use marquee::cpu::simd::{Groups, Level};
    use marquee::{Pixels, Preprocess};

    /// Returns unordered numbers from -1 to 1.
    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    /// Returns units of narrow inputs.
    fn units(count: usize) -> Vec<i32> {
        (0..count as i32).map(|index| (index * 7919) & 0x007f_007f).collect()
    }

    /// Returns the levels that the CPU has.
    fn levels() -> impl Iterator<Item = Level> + Clone {
        Level::all().into_iter().filter_map(|(_, level)| level)
    }

    /// A level and the sizes of a layer.
    #[derive(Clone, Copy)]
    struct Case<const N: usize>(Level, [usize; N]);

    impl<const N: usize> fmt::Display for Case<N> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "{:?} {:?}", self.1, self.0)
        }
    }

    fn cases<const N: usize>(sizes: &[[usize; N]]) -> Vec<Case<N>> {
        let cases = |sizes: &[usize; N]| {
            let sizes = *sizes;
            levels().map(move |level| Case(level, sizes))
        };
        sizes.iter().flat_map(cases).collect()
    }

    /// The arguments are pixels, input channels and output channels.
    #[divan::bench(args = cases(&[[9600, 16, 96], [600, 40, 240], [150, 112, 672], [40, 192, 1152]]))]
    fn expand(bencher: Bencher<'_, '_>, Case(level, [pixels, inputs, outputs]): Case<3>) {
        let (weights, bias) = (values(inputs * outputs), values(outputs));
        let scales = vec![1.0 / 127.0; outputs];
        let expand = Expand::new(level, &weights, bias, Precision::Narrow(&scales)).unwrap();
        let (taps, bias) = (values(outputs * 9), values(outputs));
        let map = [pixels / 2, 2];
        let next = Depthwise::new(level, &taps, &bias, [3, 1], map, Format::Pairs).unwrap();
        let input = units(pixels * inputs / expand.format().values());
        let expand = expand.prepare(expand.format().hidden());
        let mut map = Groups::default();
        next.prepare_map(&mut map);
        bencher.counter(ItemsCount::new(pixels * inputs * outputs)).bench_local(|| {
            expand.run(&input, next.input(&mut map, 0..pixels / 2));
        });
    }

    /// The arguments are pixels, input channels and output channels.
    #[divan::bench(args = cases(&[[9600, 32, 16], [2400, 144, 24], [150, 672, 112], [40, 1152, 192]]))]
    fn project(bencher: Bencher<'_, '_>, Case(level, [pixels, inputs, outputs]): Case<3>) {
        let (weights, bias) = (values(inputs * outputs), values(outputs));
        let scales = vec![1.0 / 127.0; outputs];
        let project = Project::new(level, &weights, bias, Precision::Narrow(&scales)).unwrap();
        let input = units(pixels * inputs / project.format().values());
        let mut output = vec![0.0; pixels * outputs];
        bencher.counter(ItemsCount::new(pixels * inputs * outputs)).bench_local(|| {
            project.run(&input, project.format().hidden(), &mut output);
        });
    }

    /// The arguments are the input's height and width, channels, kernel size and stride.
    #[divan::bench(args = cases(&[
        [120, 80, 32, 3, 1], [120, 80, 96, 3, 2], [30, 20, 240, 5, 1], [15, 10, 672, 5, 2], [8, 5, 1152, 5, 1],
    ]))]
    fn depthwise(bencher: Bencher<'_, '_>, Case(level, sizes): Case<5>) {
        let [height, width, channels, kernel, stride] = sizes;
        let (weights, bias) = (values(channels * kernel * kernel), values(channels));
        let (sizes, input) = ([kernel, stride], [height, width]);
        let layer = Depthwise::new(level, &weights, &bias, sizes, input, level.narrow()).unwrap();
        let mut map = Groups::default();
        layer.prepare_map(&mut map);
        let mut output = Vec::new();
        let [rows, columns] = layer.output();
        let multiplications = rows * columns * channels * kernel * kernel;
        bencher.counter(ItemsCount::new(multiplications)).bench_local(|| {
            layer.convolve(&mut map, 0..rows, &mut output);
        });
    }

    /// Values of the stream before a layer.
    #[divan::bench(args = cases(&[[144 * 96 * 16]]))]
    fn quantise_stream(bencher: Bencher<'_, '_>, Case(level, [count]): Case<1>) {
        let stream = values(count);
        let mut units = Vec::new();
        bencher.counter(ItemsCount::new(count)).bench_local(|| {
            let format = level.narrow();
            let quantisation = format.stream(level, &stream);
            let row = [96 * 16, 0];
            fixed_point::quantise_stream(level, &stream, format, quantisation, row, &mut units);
        });
    }

    /// EfficientNet-Lite0 on one poster, from pixels to logits.
    #[divan::bench(args = cases(&[[160, 240], [192, 288]]))]
    fn model(bencher: Bencher<'_, '_>, Case(level, size): Case<2>) {
        let [width, height] = size.map(|side| side as u32);
        let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
        let tensors = architecture.tensors([width, height], 25).into_iter().map(|(name, shape)| {
            let weights = values(shape.iter().product()).into_iter().map(|value| value * 0.1);
            (name, shape, weights.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
        });
        let tensors: Vec<_> = tensors.collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let dtype = safetensors::Dtype::F32;
            let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes);
            (name.as_str(), view.unwrap())
        });
        let weights = safetensors::serialize(views, None).unwrap();
        let input = Preprocess { width, height, mean: [0.5; 3], std: [0.5; 3] };
        let model = CpuModel::with_level(level, &architecture, &input, 25, &weights).unwrap();
        let rgb = (0..width * height * 3).map(|index| (index * 31) as u8).collect();
        let poster = Pixels::new(width, height, rgb).unwrap();
        bencher.bench_local(|| model.logits(&poster));
    }
}
