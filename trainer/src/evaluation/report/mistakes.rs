//! The report's gallery of the worst mistakes.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use maud::{Markup, html};

use crate::evaluation::classified_posters::{ClassifiedPosters, Images};

/// Number of mistakes shown of each kind.
const SHOWN: usize = 12;

/// One prediction about one poster.
struct Prediction {
    probability: f32,
    poster: usize,
    genre: usize,
}

/// Returns two galleries: the absent genres with the highest probabilities, and the true genres with the lowest.
pub(super) fn section(
    classified: &ClassifiedPosters,
    names: &[String],
    with_images: bool,
) -> Result<Markup> {
    let mut absent = Vec::new();
    let mut present = Vec::new();
    for (poster, labels) in classified.labels.iter().enumerate() {
        for (genre, &label) in labels.iter().enumerate() {
            let Some(label) = label else { continue };
            let probability = classified.probabilities[poster][genre];
            let predictions = if label { &mut present } else { &mut absent };
            predictions.push(Prediction { probability, poster, genre });
        }
    }
    absent.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    present.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    Ok(html! {
        h3 { "Predicted but absent" }
        (gallery(classified, names, &absent, with_images)?)
        h3 { "Present but missed" }
        (gallery(classified, names, &present, with_images)?)
    })
}

fn gallery(
    classified: &ClassifiedPosters,
    names: &[String],
    mistakes: &[Prediction],
    with_images: bool,
) -> Result<Markup> {
    let cards = mistakes.iter().take(SHOWN).map(|mistake| {
        let poster = &classified.rows[mistake.poster];
        let true_genres =
            names.iter().zip(&poster.labels).filter(|(_, label)| **label == Some(true));
        let true_genres: Vec<&str> = true_genres.map(|(name, _)| name.as_str()).collect();
        let images = classified.images.as_ref().filter(|_| with_images);
        let image = images.map(|images| data_url(images, mistake.poster)).transpose()?;
        anyhow::Ok(html! {
            li {
                @if let Some(image) = image { img src=(image) alt=(poster.id) loading="lazy"; }
                b { (names[mistake.genre]) " " (format!("{:.1}%", mistake.probability * 100.0)) }
                span { (poster.id) ": " (true_genres.join(", ")) }
            }
        })
    });
    let cards: Vec<Markup> = cards.collect::<Result<_>>()?;
    Ok(html! { ul.mistakes { @for card in cards { (card) } } })
}

/// Returns a poster as a `data:` URL of a JPEG.
fn data_url(images: &Images, poster: usize) -> Result<String> {
    let mut jpeg = Vec::new();
    let encoder = &mut JpegEncoder::new_with_quality(&mut jpeg, 80);
    let pixels = images.pixels[poster].read()?;
    encoder.encode(pixels.rgb(), images.width, images.height, ExtendedColorType::Rgb8)?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}
