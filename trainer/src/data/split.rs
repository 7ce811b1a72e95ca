//! Which posters train and which judge. Rows that share an id or an image, to the byte or nearly, stay on one
//! side, or a network would be judged on posters that it has learnt by heart.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use marquee::Manifest;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::data::dataset::Dataset;
use crate::data::near_duplicates::{self, Look};
use crate::data::posters::{self, Poster};

/// Posters by their side.
pub(crate) struct Split {
    pub(crate) train: Vec<Poster>,
    pub(crate) valid: Vec<Poster>,
    pub(crate) test: Vec<Poster>,
}

impl Split {
    /// The split that the network of `manifest` was trained with, drawn again from the posters that it was
    /// trained on.
    ///
    /// # Errors
    /// Where the manifest does not say how, or these are other posters.
    pub(crate) fn again(manifest: &Manifest, dataset: &Dataset, skip_bad: bool) -> Result<Self> {
        let training = &manifest.training;
        let setting = |name: &str| {
            let value = training.settings[name].as_f64();
            value.with_context(|| format!("the bundle does not say its {name}"))
        };
        let seed = setting("split_seed").or_else(|_| setting("seed"))? as u64;
        ensure!(
            dataset.genres.iter().eq(manifest.genres.iter().map(|genre| &genre.name)),
            "{} and the bundle name different genres",
            dataset.dir.display()
        );
        let all = posters::load(dataset, &manifest.input, skip_bad)?;
        let shares = [setting("valid_share")?, setting("test_share")?];
        let together = training.settings["lookalikes_together"].as_bool().unwrap_or(false);
        let looks = together.then(|| near_duplicates::looks(dataset, &all)).transpose()?;
        let split = Self::draw(all, shares, seed, looks.as_deref());
        let sizes = [split.train.len(), split.valid.len(), split.test.len()];
        let expected = [training.train_posters, training.valid_posters, training.test_posters];
        ensure!(
            sizes == expected,
            "{} splits into {sizes:?} posters and not into {expected:?}: the bundle was trained on others",
            dataset.dir.display()
        );
        Ok(split)
    }

    /// Puts whole groups of related posters aside, in an order drawn from `seed`: first for validation, then
    /// for the test, until the share of each is reached. Where the `looks` of the posters are given, one that looks
    /// nearly like another that is less far aside joins it there.
    pub(crate) fn draw(
        posters: Vec<Poster>,
        [valid_share, test_share]: [f64; 2],
        seed: u64,
        looks: Option<&[Look]>,
    ) -> Self {
        let count = |share: f64| (posters.len() as f64 * share).round() as usize;
        let valid = count(valid_share).max(1);
        let valid_and_test = valid + count(test_share);
        let groups = group(&posters);
        let mut order: Vec<usize> = groups.clone();
        order.sort_unstable();
        order.dedup();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));

        let mut sizes: HashMap<usize, usize> = HashMap::new();
        for &name in &groups {
            *sizes.entry(name).or_default() += 1;
        }
        // How many posters stand in front of a group in the drawn order says where it belongs.
        let mut places = HashMap::new();
        let mut taken = 0;
        for name in order {
            places.insert(name, taken);
            taken += sizes.get(&name).copied().unwrap_or(0);
        }

        let sides = groups.iter().map(|name| match places.get(name) {
            Some(&place) if place < valid => Side::Valid,
            Some(&place) if place < valid_and_test => Side::Test,
            _ => Side::Train,
        });
        let mut sides: Vec<Side> = sides.collect();
        if let Some(looks) = looks {
            keep_lookalikes_together(looks, &groups, &mut sides);
        }

        let mut split = Self { train: Vec::new(), valid: Vec::new(), test: Vec::new() };
        for (poster, side) in posters.into_iter().zip(sides) {
            match side {
                Side::Train => split.train.push(poster),
                Side::Valid => split.valid.push(poster),
                Side::Test => split.test.push(poster),
            }
        }
        split
    }
}

/// What a poster is for, the farthest aside last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Train,
    Valid,
    Test,
}

/// Moves posters, with all of their group, to the side of those that they look like, where that is less far aside:
/// what trains or tunes a network is never among what judges it. Most stay where they were drawn, so a split hardly
/// depends on what counts as looking alike.
fn keep_lookalikes_together(looks: &[Look], groups: &[usize], sides: &mut [Side]) {
    loop {
        // Only pairs that are apart matter, and one of those is aside.
        let aside = (0..looks.len()).filter(|&index| sides[index] > Side::Train);
        let moved: Vec<(usize, Side)> = aside
            .collect::<Vec<_>>()
            .into_par_iter()
            .filter_map(|index| {
                let nearer = (0..looks.len()).filter(|&other| sides[other] < sides[index]);
                let alike =
                    nearer.filter(|&other| near_duplicates::alike(&looks[index], &looks[other]));
                let side = alike.map(|other| sides[other]).min()?;
                Some((groups[index], side))
            })
            .collect();
        if moved.is_empty() {
            return;
        }
        for (group, side) in moved {
            let members = sides.iter_mut().zip(groups).filter(|(_, name)| **name == group);
            members.for_each(|(of_member, _)| *of_member = side.min(*of_member));
        }
    }
}

/// The group of each poster, named by its first member.
fn group(posters: &[Poster]) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..posters.len()).collect();
    let mut by_id = HashMap::new();
    let mut by_hash = HashMap::new();
    for (index, poster) in posters.iter().enumerate() {
        for first in [
            *by_id.entry(poster.row.id.as_str()).or_insert(index),
            *by_hash.entry(poster.hash).or_insert(index),
        ] {
            // Merges the two groups; they are few and small, so a scan does.
            let (old, new) = (groups[index], groups[first]);
            if old != new {
                let (from, to) = (old.max(new), old.min(new));
                groups.iter_mut().filter(|name| **name == from).for_each(|name| *name = to);
            }
        }
    }
    groups
}
