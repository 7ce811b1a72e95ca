//! Untrusted image files: truncated, damaged, mislabelled, with a huge size or huge metadata, and valid but unusual
//! ones. They are generated, the same on every machine.

use std::io::Cursor;
use std::sync::LazyLock;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};

/// The expected outcome of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// It is a valid image.
    Classified,
    /// It is not a supported image.
    Refused,
    /// It is damaged, and may or may not be decodable.
    Either,
}

/// A file whose name describes what is unusual about it.
pub(crate) struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub outcome: Outcome,
}

const FORMATS: [(&str, ImageFormat); 4] = [
    ("jpeg", ImageFormat::Jpeg),
    ("png", ImageFormat::Png),
    ("webp", ImageFormat::WebP),
    ("gif", ImageFormat::Gif),
];

fn image() -> DynamicImage {
    RgbImage::from_fn(60, 90, |x, y| Rgb([x as u8 * 4, y as u8 * 2, (x ^ y) as u8])).into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Returns all files. The large ones take seconds to generate, so that each process does it once.
pub(crate) fn cases() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(generate);
    &CASES
}

fn generate() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>, outcome| cases.push(Case { name, bytes, outcome });
    let mut random = 12345_u32;
    let mut next = move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize
    };

    for (name, format) in FORMATS {
        let whole = encoded(&image(), format);
        let length = whole.len();
        add(format!("whole.{name}"), whole.clone(), Outcome::Classified);
        for cut in [0, 1, 4, 12, 30] {
            add(format!("{cut}-bytes.{name}"), whole[..cut].to_vec(), Outcome::Refused);
        }
        for eighth in 1..8 {
            let cut = whole[..length * eighth / 8].to_vec();
            add(format!("{eighth}-eighths.{name}"), cut, Outcome::Either);
        }
        let mut wrong_magic = whole.clone();
        wrong_magic[..4].copy_from_slice(b"MARQ");
        add(format!("wrong-magic.{name}"), wrong_magic, Outcome::Refused);
        for damage in 0..12 {
            let mut damaged = whole.clone();
            for _ in 0..=damage {
                damaged[next() % length] = next() as u8;
            }
            add(format!("damaged-{damage}.{name}"), damaged, Outcome::Either);
        }
        let mut longer = whole;
        longer.resize(1 << 20, 0xa5);
        add(format!("trailing-junk.{name}"), longer, Outcome::Either);
    }

    for (name, bytes) in [
        ("text.jpg", b"Dear diary, today I am a poster.".to_vec()),
        ("page.png", b"<!doctype html><title>404</title>".to_vec()),
        ("zeros.webp", vec![0; 4096]),
        ("ones.gif", vec![0xff; 4096]),
        (
            "bitmap.bmp",
            b"BM\x1a\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0\0\0\xff\0".to_vec(),
        ),
        ("vector.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec()),
    ] {
        add(name.into(), bytes, Outcome::Refused);
    }

    let sizes = [
        (65_535, 65_535),
        (50_001, 1_000),
        (1, 100_001), // resizing it first makes it 200 times as wide
        (100_001, 1),
        (u32::MAX, 1),
        (0, 90),
        (60, 0),
    ];
    for (width, height) in sizes {
        add(format!("{width}x{height}.png"), png_header(width, height), Outcome::Refused);
    }
    let mut gif = encoded(&image(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    add("65535x65535.gif".into(), gif, Outcome::Refused);
    let mut jpeg = encoded(&image(), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    add("65535x65535.jpeg".into(), jpeg, Outcome::Refused);

    for (name, image) in [
        ("grey", DynamicImage::from(image().to_luma8())),
        ("grey-alpha", image().to_luma_alpha8().into()),
        ("alpha", image().to_rgba8().into()),
        ("16-bit", image().to_rgb16().into()),
        ("grey-16-bit", image().to_luma16().into()),
        ("alpha-16-bit", image().to_rgba16().into()),
        ("1x1", RgbImage::new(1, 1).into()),
        ("1x2000", RgbImage::new(1, 2000).into()),
    ] {
        add(format!("{name}.png"), encoded(&image, ImageFormat::Png), Outcome::Classified);
    }
    let grey = encoded(&image().to_luma8().into(), ImageFormat::Jpeg);
    add("grey.jpeg".into(), grey, Outcome::Classified);
    let whole = encoded(&image(), ImageFormat::Jpeg);
    for orientation in 0..=9 {
        let exif = exif(orientation);
        add(
            format!("turned-{orientation}.jpeg"),
            with_segment(&whole, 0xe1, &exif),
            Outcome::Classified,
        );
    }
    let nonsense = with_segment(&whole, 0xe1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff");
    add("nonsense-exif.jpeg".into(), nonsense, Outcome::Classified);
    let profile = with_segment(&whole, 0xe2, b"ICC_PROFILE\0\x01\x01nonsense");
    add("nonsense-profile.jpeg".into(), profile, Outcome::Classified);
    let mut metadata = whole[..2].to_vec();
    for _ in 0..800 {
        metadata.extend([0xff, 0xe1, 0xff, 0xff]);
        metadata.resize(metadata.len() + 0xfffd, b'x');
    }
    metadata.extend(&whole[2..]);
    add("50-megabytes-of-metadata.jpeg".into(), metadata, Outcome::Classified);
    for (name, bytes, outcome) in bombs() {
        add(format!("bomb-{name}"), bytes, outcome);
    }
    cases
}

/// Returns small files that decode to images of about the largest accepted size.
fn bombs() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    const SIDE: u32 = 7000;
    const CMYK: &[u8] = include_bytes!("../fixtures/cmyk.jpg");
    let blank = |side: u32, colour: ExtendedColorType| {
        vec![0; side as usize * side as usize * usize::from(colour.bits_per_pixel()) / 8]
    };
    let png = |side: u32, colour: ExtendedColorType| {
        let (mut bytes, pixels) = (Vec::new(), blank(side, colour));
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&pixels, side, side, colour).unwrap();
        bytes
    };
    let (mut jpeg, pixels) = (Vec::new(), blank(SIDE, ExtendedColorType::Rgb8));
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    encoder.write_image(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8).unwrap();
    drop(pixels);
    let (mut webp, pixels) = (Vec::new(), blank(SIDE, ExtendedColorType::Rgb8));
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
    encoder.write_image(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8).unwrap();
    drop(pixels);
    // A decoder allocates the coefficients of all scans of a progressive JPEG. These files end before the first scan.
    let progressive = |jpeg: &[u8], side: u16| {
        let mut jpeg = jpeg.to_vec();
        let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        jpeg[frame + 1] = 0xc2;
        let [high, low] = side.to_be_bytes();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[high, low, high, low]);
        jpeg
    };
    // Decoders skip stray bytes before a marker.
    let mut stray = progressive(CMYK, SIDE as u16);
    let frame = stray.windows(2).position(|two| two == [0xff, 0xc2]).unwrap();
    stray.insert(frame, 0);
    let tall = {
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&vec![0; 50_000_000], 500, 100_000, ExtendedColorType::L8).unwrap();
        bytes
    };
    let mut gif = encoded(&image(), ImageFormat::Gif);
    let [low, high] = (SIDE as u16).to_le_bytes();
    gif[6..10].copy_from_slice(&[low, high, low, high]);
    // A VP8 key frame that ends after its size.
    let mut lossy = b"RIFF\0\x10\0\0WEBPVP8 \xf4\x0f\0\0\x50\xff\x01\x9d\x01\x2a".to_vec();
    lossy.extend([low, high, low, high]);
    lossy.resize(0x1008, 0);
    vec![
        ("grey.png", png(SIDE, ExtendedColorType::L8), Outcome::Classified),
        ("alpha.png", png(SIDE, ExtendedColorType::Rgba8), Outcome::Classified),
        ("16-bit.png", png(5700, ExtendedColorType::Rgba16), Outcome::Classified),
        ("16-bit-too-large.png", png(5800, ExtendedColorType::Rgba16), Outcome::Refused),
        ("progressive.jpeg", progressive(&jpeg, 5500), Outcome::Either),
        ("progressive-cmyk.jpeg", progressive(CMYK, 5100), Outcome::Either),
        ("progressive-too-large.jpeg", progressive(&jpeg, 5600), Outcome::Refused),
        ("progressive-cmyk-too-large.jpeg", progressive(CMYK, 5200), Outcome::Refused),
        ("progressive-cmyk-with-a-stray-byte.jpeg", stray, Outcome::Refused),
        ("tall.png", tall, Outcome::Classified),
        ("baseline.jpeg", jpeg, Outcome::Classified),
        ("lossless.webp", webp, Outcome::Classified),
        ("lossy.webp", lossy, Outcome::Either),
        ("canvas.gif", gif, Outcome::Either),
    ]
}

/// Returns a PNG that ends after its header.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(&header);
    bytes.extend(crc32(&header).to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT");
    bytes
}

/// Returns the CRC-32 of a PNG chunk (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

/// Returns a JPEG with another segment at its beginning.
fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 2) as u16;
    let [high, low] = length.to_be_bytes();
    [&jpeg[..2], &[0xff, marker, high, low], body, &jpeg[2..]].concat()
}
