//! The train, validation and test split. Rows that share an id or an image, and near-duplicates, stay in one split;
//! otherwise a model would be evaluated on posters that it has memorised.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use marquee::Manifest;
use marquee::bundle::Training;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config_keys;
use crate::data::additional::AdditionalPosters;
use crate::data::dataset::Dataset;
use crate::data::near_duplicates::{self, PerceptualHash};
use crate::data::posters::{self, Poster};

/// The name of a split. The order matters: near-duplicates move to the smaller of their two splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SplitName {
    Train,
    Valid,
    Test,
}

/// Posters by split.
#[derive(Default)]
pub(crate) struct Split {
    pub(crate) train: Vec<Poster>,
    pub(crate) valid: Vec<Poster>,
    pub(crate) test: Vec<Poster>,
    /// Posters of additional data, which are never in the splits above.
    pub(crate) additional: AdditionalPosters,
}

impl Split {
    /// Returns all posters to train on, the additional ones last.
    pub(crate) fn training_posters(&self) -> impl Iterator<Item = &Poster> + Clone {
        self.train.iter().chain(&self.additional.train)
    }

    /// Recreates the split that the model of `manifest` was trained with, from its recorded settings and the same
    /// posters.
    ///
    /// # Errors
    /// The manifest does not record its split, or `dataset` holds other posters.
    pub(crate) fn from_manifest(
        manifest: &Manifest,
        dataset: &Dataset,
        skip_bad: bool,
    ) -> Result<Self> {
        let training = &manifest.training;
        let setting = |key: &str| {
            let value = config_keys::recorded(&training.settings, key);
            let value = value.and_then(Value::as_f64);
            value.with_context(|| format!("the bundle does not record its {key}"))
        };
        let seed = recorded_seed(training).context("the bundle does not record its split_seed")?;
        ensure!(
            dataset.genres.iter().eq(manifest.genres.iter().map(|genre| &genre.name)),
            "{} and the bundle have different genres",
            dataset.dir.display()
        );
        let all = posters::load(dataset, &manifest.input, skip_bad)?;
        let shares = [setting("valid_share")?, setting("test_share")?];
        let grouped = config_keys::recorded(&training.settings, "group_near_duplicates");
        let grouped = grouped.and_then(Value::as_bool).unwrap_or(false);
        let hashes =
            grouped.then(|| near_duplicates::perceptual_hashes(dataset, &all)).transpose()?;
        let split = Self::draw(all, shares, seed, hashes.as_deref());
        let (sizes, expected) = (split.sizes(), recorded_sizes(training));
        ensure!(
            sizes == expected,
            "{} splits into {sizes:?} posters, not {expected:?}: the bundle was trained on other posters",
            dataset.dir.display()
        );
        Ok(split)
    }

    /// Returns whether this split, drawn with `seed`, has the seed and the sizes that a bundle records of its training.
    pub(crate) fn equals_recorded(&self, training: &Training, seed: u64) -> bool {
        recorded_seed(training) == Some(seed) && self.sizes() == recorded_sizes(training)
    }

    /// Returns the number of training, validation and test posters of the main data.
    fn sizes(&self) -> [usize; 3] {
        [&self.train, &self.valid, &self.test].map(Vec::len)
    }

    /// Divides posters as the stored ids of a run say. Posters of other ids are left out.
    pub(crate) fn from_ids(posters: Vec<Poster>, ids: &[HashSet<String>; 3]) -> Self {
        let [train_ids, valid_ids, test_ids] = ids;
        let mut split = Self::default();
        for poster in posters {
            let id = &poster.row.id;
            match (train_ids.contains(id), valid_ids.contains(id), test_ids.contains(id)) {
                (true, ..) => split.train.push(poster),
                (_, true, _) => split.valid.push(poster),
                (.., true) => split.test.push(poster),
                _ => {}
            }
        }
        split
    }

    /// Assigns whole groups of related posters, in an order drawn from `seed`: first to validation, then to test,
    /// until each has its share; the rest to training. With `hashes`, near-duplicates in different splits then move
    /// to the one nearer to training.
    pub(crate) fn draw(
        posters: Vec<Poster>,
        [valid_share, test_share]: [f64; 2],
        seed: u64,
        hashes: Option<&[PerceptualHash]>,
    ) -> Self {
        let count = |share: f64| (posters.len() as f64 * share).round() as usize;
        let valid = count(valid_share).max(1);
        let groups = group_duplicates(&posters);
        let mut assigned = draw_groups(&groups, [valid, count(test_share)], seed);
        if let Some(hashes) = hashes {
            unite_near_duplicates(hashes, &groups, &mut assigned);
        }

        let mut split = Self::default();
        for (poster, name) in posters.into_iter().zip(assigned) {
            match name {
                SplitName::Train => split.train.push(poster),
                SplitName::Valid => split.valid.push(poster),
                SplitName::Test => split.test.push(poster),
            }
        }
        split
    }
}

/// Returns the seed of the split that a bundle records; old bundles have one seed for everything.
pub(crate) fn recorded_seed(training: &Training) -> Option<u64> {
    let seed = |key| config_keys::recorded(&training.settings, key).and_then(Value::as_f64);
    seed("split_seed").or_else(|| seed("seed")).map(|seed| seed as u64)
}

/// Returns the number of training, validation and test posters of the main data that a bundle records.
fn recorded_sizes(training: &Training) -> [usize; 3] {
    [training.train_posters, training.valid_posters, training.test_posters]
}

/// Assigns whole groups, in an order drawn from `seed`: first to validation, then to test, until each has at least
/// that many posters; the rest to training. `groups` holds the group of each poster.
pub(crate) fn draw_groups(
    groups: &[usize],
    [valid, test]: [usize; 2],
    seed: u64,
) -> Vec<SplitName> {
    let mut order: Vec<usize> = groups.to_vec();
    order.sort_unstable();
    order.dedup();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));

    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for &group in groups {
        *sizes.entry(group).or_default() += 1;
    }
    // The number of posters before a group in the drawn order decides its split.
    let mut offsets = HashMap::new();
    let mut offset = 0;
    for group in order {
        offsets.insert(group, offset);
        offset += sizes.get(&group).copied().unwrap_or(0);
    }
    let assigned = groups.iter().map(|group| match offsets.get(group) {
        Some(&offset) if offset < valid => SplitName::Valid,
        Some(&offset) if offset < valid + test => SplitName::Test,
        _ => SplitName::Train,
    });
    assigned.collect()
}

/// Moves each poster, with its group, to the lowest split that holds a near-duplicate of it. A held-out poster then
/// has no near-duplicate among the posters that trained or tuned the model. All other posters stay where they were
/// drawn, so the split hardly depends on the distance that counts as near.
fn unite_near_duplicates(hashes: &[PerceptualHash], groups: &[usize], assigned: &mut [SplitName]) {
    loop {
        // Only pairs in different splits matter, and one of each such pair is held out.
        let held_out = (0..hashes.len()).filter(|&index| assigned[index] > SplitName::Train);
        let moves: Vec<(usize, SplitName)> = held_out
            .collect::<Vec<_>>()
            .into_par_iter()
            .filter_map(|index| {
                let lower = (0..hashes.len()).filter(|&other| assigned[other] < assigned[index]);
                let similar = lower.filter(|&other| {
                    near_duplicates::are_near_duplicates(&hashes[index], &hashes[other])
                });
                let target = similar.map(|other| assigned[other]).min()?;
                Some((groups[index], target))
            })
            .collect();
        if moves.is_empty() {
            return;
        }
        for (moved, target) in moves {
            let members = assigned.iter_mut().zip(groups).filter(|(_, group)| **group == moved);
            members.for_each(|(name, _)| *name = target.min(*name));
        }
    }
}

/// Groups posters that share an id or an image file. Returns the group of each poster, which is the index of the
/// group's first member.
pub(crate) fn group_duplicates(posters: &[Poster]) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..posters.len()).collect();
    let mut by_id = HashMap::new();
    let mut by_hash = HashMap::new();
    for (index, poster) in posters.iter().enumerate() {
        for first in [
            *by_id.entry(poster.row.id.as_str()).or_insert(index),
            *by_hash.entry(poster.hash).or_insert(index),
        ] {
            // Merges the two groups. Merges are rare, so a linear scan is fast enough.
            let (old, new) = (groups[index], groups[first]);
            if old != new {
                let (from, to) = (old.max(new), old.min(new));
                groups.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use marquee::Pixels;
    use marquee::metrics::LabelRow;

    use super::*;

    #[test]
    fn a_seed_always_draws_the_same_split() {
        // Two posters share an id, three a file.
        let poster = |index: usize| {
            let id = if index == 11 { 3 } else { index };
            let file = if matches!(index, 6 | 7) { 5 } else { index };
            Poster {
                row: LabelRow { id: format!("film {id}"), labels: Vec::new() },
                pixels: Pixels::from_fn(0, 0, |_, _| [0; 3]).into(),
                hash: [file as u8; 32],
            }
        };
        let indices = |posters: &[Poster]| -> Vec<u8> {
            posters.iter().map(|poster| poster.hash[0]).collect()
        };
        // As version 0.2 drew them: the models trained since then are evaluated on the same posters.
        for (seed, valid, test) in
            [(1, [5, 5, 5, 10, 18], [2, 9, 16]), (7, [5, 5, 5, 14, 15], [2, 12, 16])]
        {
            let split = Split::draw((0..20).map(poster).collect(), [0.2, 0.2], seed, None);
            assert_eq!(indices(&split.valid), valid, "seed {seed}");
            assert_eq!(indices(&split.test), test, "seed {seed}");
            assert_eq!(split.train.len(), 12);
        }
    }
}
