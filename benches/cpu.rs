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
    use divan::Bencher;
    use divan::counter::ItemsCount;
    use marquee::architecture::Architecture;
    use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
    use marquee::cpu::CpuModel;
    use marquee::cpu::depthwise::Depthwise;
    use marquee::cpu::fixed_point::{HIDDEN_BITS, InputRange};
    use marquee::cpu::pointwise::{Expand, Project};
    use marquee::{Pixels, Preprocess};

    /// Returns unordered numbers from -1 to 1.
    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    /// Returns 16-bit inputs, packed in pairs.
    fn pairs(count: usize) -> Vec<i32> {
        (0..count as i32).map(|index| (index * 7919) & 0x0fff_0fff).collect()
    }

    /// The arguments are pixels, input channels and output channels.
    #[divan::bench(args = [[9600, 16, 96], [600, 40, 240], [150, 112, 672], [40, 192, 1152]])]
    fn expand(bencher: Bencher<'_, '_>, [pixels, inputs, outputs]: [usize; 3]) {
        let expand =
            Expand::new(&values(inputs * outputs), values(outputs), InputRange::STREAM).unwrap();
        let next = Depthwise::new(&values(outputs * 9), &values(outputs), [3, 1], [pixels / 2, 2])
            .unwrap();
        let input = pairs(pixels * inputs / 2);
        let mut map = Vec::new();
        bencher.counter(ItemsCount::new(pixels * inputs * outputs)).bench_local(|| {
            expand.run(&input, 8, next.clear(&mut map));
        });
    }

    /// The arguments are pixels, input channels and output channels.
    #[divan::bench(args = [[9600, 32, 16], [2400, 144, 24], [150, 672, 112], [40, 1152, 192]])]
    fn project(bencher: Bencher<'_, '_>, [pixels, inputs, outputs]: [usize; 3]) {
        let project =
            Project::new(&values(inputs * outputs), values(outputs), InputRange::HIDDEN).unwrap();
        let input = pairs(pixels * inputs / 2);
        let mut output = Vec::new();
        bencher.counter(ItemsCount::new(pixels * inputs * outputs)).bench_local(|| {
            project.run(&input, HIDDEN_BITS, &mut output);
        });
    }

    /// The arguments are the input's height and width, channels, kernel size and stride.
    #[divan::bench(args = [
        [120, 80, 32, 3, 1], [120, 80, 96, 3, 2], [30, 20, 240, 5, 1], [15, 10, 672, 5, 2], [8, 5, 1152, 5, 1],
    ])]
    fn depthwise(bencher: Bencher<'_, '_>, [height, width, channels, kernel, stride]: [usize; 5]) {
        let weights = values(channels * kernel * kernel);
        let layer =
            Depthwise::new(&weights, &values(channels), [kernel, stride], [height, width]).unwrap();
        let mut map = Vec::new();
        layer.clear(&mut map);
        let mut output = Vec::new();
        let [rows, columns] = layer.output();
        let multiplications = rows * columns * channels * kernel * kernel;
        bencher.counter(ItemsCount::new(multiplications)).bench_local(|| {
            layer.convolve(&mut map, &mut output);
        });
    }

    /// EfficientNet-Lite0 on one poster, from pixels to logits.
    #[divan::bench]
    fn model(bencher: Bencher<'_, '_>) {
        let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
        let tensors = architecture.tensors([160, 240], 25).into_iter().map(|(name, shape)| {
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
        let input = Preprocess { width: 160, height: 240, mean: [0.5; 3], std: [0.5; 3] };
        let model = CpuModel::new(&architecture, &input, 25, &weights).unwrap();
        let rgb = (0..160 * 240 * 3).map(|index| (index * 31) as u8).collect();
        let poster = Pixels::new(160, 240, rgb).unwrap();
        bencher.bench_local(|| model.logits(&poster));
    }
}
