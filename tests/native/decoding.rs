//! Image files to pixels: formats, orientation, transparency, and refused files.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use marquee::{Error, Preprocess};

const POSTER_PNG: &[u8] = include_bytes!("../fixtures/poster.png");
const POSTER_JPEG: &[u8] = include_bytes!("../fixtures/poster.jpg");

const INPUT: Preprocess = Preprocess { width: 20, height: 30, mean: [0.5; 3], std: [0.25; 3] };

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn pixel(rgb: &[u8], x: usize, y: usize) -> [u8; 3] {
    let start = (y * INPUT.width as usize + x) * 3;
    rgb[start..start + 3].try_into().unwrap()
}

/// Returns an image that is red on the left and blue on the right.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) }
    })
}

#[test]
fn decodes_every_format() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let bytes = encoded(two_halves(80, 120), format);
        let rgb = INPUT.decode(&bytes).unwrap().into_rgb();
        assert_eq!(rgb.len(), 20 * 30 * 3);
        let [left, right] = [pixel(&rgb, 3, 15), pixel(&rgb, 16, 15)];
        assert!(left[0] > 240 && left[2] < 15, "{format:?}: {left:?}");
        assert!(right[2] > 240 && right[0] < 15, "{format:?}: {right:?}");
    }
}

#[test]
fn blends_transparent_pixels_with_white() {
    let image = RgbaImage::from_pixel(40, 60, Rgba([0, 0, 0, 0]));
    let rgb = INPUT.decode(&encoded(image, ImageFormat::Png)).unwrap().into_rgb();
    assert_eq!(pixel(&rgb, 5, 5), [255; 3]);
    let image = RgbaImage::from_pixel(40, 60, Rgba([0, 0, 0, 51]));
    let rgb = INPUT.decode(&encoded(image, ImageFormat::Png)).unwrap().into_rgb();
    assert_eq!(pixel(&rgb, 5, 5), [204; 3]);
}

/// Returns the JPEG with an EXIF orientation.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = *b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    tiff[25] = orientation;
    let mut turned = jpeg[..2].to_vec();
    turned.extend([0xff, 0xe1, 0, (tiff.len() + 2) as u8]);
    turned.extend(tiff);
    turned.extend(&jpeg[2..]);
    turned
}

#[test]
fn applies_the_exif_orientation() {
    // Orientation 3 is a rotation by 180 degrees: red, stored on the left, is shown on the right.
    let jpeg = encoded(two_halves(80, 120), ImageFormat::Jpeg);
    let rgb = INPUT.decode(&turned(&jpeg, 3)).unwrap().into_rgb();
    assert!(pixel(&rgb, 16, 15)[0] > 240, "{:?}", pixel(&rgb, 16, 15));
}

/// Returns an image with long waves of colour, on which JPEGs are coarse, and shorter ones of brightness.
fn waves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let wave = |length: f32| ((x + 2.0 * y) * std::f32::consts::TAU / length).sin();
        let [brightness, colour] = [60.0 * wave(0.4) + 20.0 * wave(0.2), 40.0 * wave(1.5)];
        Rgb([0.0, -0.5, 1.0].map(|share| (128.0 + brightness + share * colour) as u8))
    })
}

#[test]
fn a_large_jpeg_is_decoded_at_a_fraction_of_its_size_and_looks_the_same() {
    // At a half, a quarter and an eighth of the size, with incomplete blocks, and tall.
    for (width, height) in [(82, 123), (167, 251), (333, 501), (90, 700)] {
        let image = waves(width, height);
        for image in
            [DynamicImage::from(image.clone()), DynamicImage::from(image).into_luma8().into()]
        {
            let jpeg = encoded(image, ImageFormat::Jpeg);
            // `image` decodes it whole.
            let whole = image::load_from_memory(&jpeg).unwrap();
            for (jpeg, whole) in
                [(jpeg.clone(), whole.clone()), (turned(&jpeg, 6), whole.rotate90())]
            {
                let (width, height) = (whole.width(), whole.height());
                let expected = INPUT.resize_rgba(whole.into_rgba8().into_raw(), width, height);
                let (pixels, expected) = (INPUT.decode(&jpeg).unwrap(), expected.unwrap());
                let pairs = pixels.rgb().iter().zip(expected.rgb());
                let differences: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
                let mean = differences.iter().map(|&d| f32::from(d)).sum::<f32>() / 1800.0;
                let most = differences.iter().max().copied().unwrap_or_default();
                assert!(mean < 1.5 && most < 10, "{width} x {height}: {mean}, {most}");
                let is_turned = width > height;
                // Turned, it is wide, and only the largest stay four times as high as the input.
                let is_smaller = !is_turned || height >= 4 * INPUT.height;
                assert_eq!(pixels != expected, is_smaller, "{width} x {height}");
            }
        }
    }
}

#[test]
fn a_large_jpeg_that_breaks_off_is_decoded_as_far_as_it_goes() {
    let jpeg = encoded(two_halves(160, 240), ImageFormat::Jpeg);
    let rgb = INPUT.decode(&jpeg[..jpeg.len() * 2 / 3]).unwrap().into_rgb();
    assert!(pixel(&rgb, 3, 3)[0] > 240, "{:?}", pixel(&rgb, 3, 3));
}

#[test]
fn enlarges_a_single_pixel_to_the_input_size() {
    let image = RgbImage::from_pixel(1, 1, Rgb([10, 20, 30]));
    let rgb = INPUT.decode(&encoded(image, ImageFormat::Png)).unwrap().into_rgb();
    assert!(rgb.chunks(3).all(|pixel| pixel == [10, 20, 30]));
}

#[test]
fn normalises_each_channel_by_its_mean_and_std() {
    let image = RgbImage::from_pixel(2, 2, Rgb([255, 0, 51]));
    let pixels = INPUT.decode(&encoded(image, ImageFormat::Png)).unwrap();
    let values = INPUT.normalise(&pixels);
    let plane = 20 * 30;
    assert_eq!(values.len(), 3 * plane);
    for (channel, expected) in [2.0, -2.0, -1.2].into_iter().enumerate() {
        assert!((values[channel * plane + 7] - expected).abs() < 1e-6);
    }
}

/// Returns a small PNG file whose header claims `width` x `height` pixels.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(RgbImage::new(1, 1), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    png
}

#[test]
fn refuses_a_huge_image_by_its_header() {
    let error = INPUT.decode(&bomb(30_000, 30_000)).unwrap_err();
    assert!(matches!(error, Error::ImageTooLarge { width: 30_000, height: 30_000, .. }), "{error}");
    assert!(error.to_string().contains("30000 x 30000"), "{error}");
}

#[test]
fn stray_bytes_before_a_header_do_not_hide_a_progressive_jpeg() {
    // Its pixels are few enough, but not with the coefficients of four components.
    let mut jpeg = include_bytes!("../fixtures/cmyk.jpg").to_vec();
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 1] = 0xc2;
    let [high, low] = 7000_u16.to_be_bytes();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[high, low, high, low]);
    for _ in 0..2 {
        let error = INPUT.decode(&jpeg).unwrap_err();
        assert!(matches!(error, Error::ImageTooLarge { .. }), "{error}");
        jpeg.insert(frame, 0);
    }
}

#[test]
fn refuses_a_side_for_which_resizing_would_take_gigabytes() {
    for (width, height) in [(1, 4_000_000), (4_000_000, 1)] {
        let decoded = INPUT.decode(&bomb(width, height)).unwrap_err();
        let resized = INPUT.resize_rgba(vec![255; 16_000_000], width, height).unwrap_err();
        for error in [decoded, resized] {
            assert!(matches!(error, Error::SideTooLong { limit: 100_000, .. }), "{error}");
        }
    }
    // The longest side is resized.
    assert!(INPUT.resize_rgba(vec![255; 400_000], 1, 100_000).is_ok());
    assert!(INPUT.resize_rgba(vec![255; 400_000], 100_000, 1).is_ok());
}

#[test]
fn refuses_files_that_are_not_images() {
    assert!(matches!(INPUT.decode(b"").unwrap_err(), Error::EmptyImage));
    for bytes in [&b"hello, I am a text"[..], b"%PDF-1.7", b"BM\0\0", &[0; 100]] {
        let error = INPUT.decode(bytes).unwrap_err();
        assert!(matches!(error, Error::UnknownImageFormat), "{error}");
    }
}

#[test]
fn refuses_an_image_truncated_anywhere_in_its_first_half() {
    for (whole, format) in [(POSTER_PNG, "PNG"), (POSTER_JPEG, "JPEG")] {
        for end in (12..whole.len() / 2).step_by(97) {
            match INPUT.decode(&whole[..end]) {
                Err(Error::DamagedImage { format: named, .. }) => assert_eq!(named, format),
                Err(error) => panic!("{format} cut at {end}: {error}"),
                // A JPEG without its lower part is decoded as far as it goes, as in browsers.
                Ok(_) => assert_eq!(format, "JPEG"),
            }
        }
    }
}
