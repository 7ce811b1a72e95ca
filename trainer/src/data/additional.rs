//! Additional data: posters of other folders (`--also`) that only train, besides a test split of their own. The
//! validation and test splits of the main data stay what they are without them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::data::dataset::Dataset;
use crate::data::near_duplicates::{Fingerprint, fingerprints, near_duplicates};
use crate::data::posters::{self, Poster, Resolution};
use crate::data::split::{Split, SplitName, draw_groups, group_duplicates};
use crate::documented::documented;

documented! {
    /// Additional data, which only train, besides a test split of their own.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct AdditionalConfig {
        /// Absolute paths of the folders of additional posters; set by `--also`.
        pub(crate) dirs: Vec<PathBuf>,
        /// Fraction of the additional posters in a test split of their own, which shows how well the model does on
        /// posters of another source, 0..1.
        pub(crate) test_share: f64,
        /// Largest number of posters in that test split.
        pub(crate) test_limit: usize,
        /// Loss weight of the absent genres of additional posters with exactly three genres, 0..=1. Below 1 for
        /// sources that list at most three genres of a film, whose other genres may be present.
        pub(crate) truncated_weight: f64,
        /// How often an epoch draws each main poster, above 0, not necessarily a whole number. It draws each
        /// additional poster once.
        pub(crate) main_repeat: f64,
        /// Number of epochs at the end that draw main posters only, so that the model ends on their distribution.
        pub(crate) main_only_epochs: usize,
    }
}

impl Default for AdditionalConfig {
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            test_share: 0.05,
            test_limit: 1000,
            truncated_weight: 1.0,
            main_repeat: 1.0,
            main_only_epochs: 0,
        }
    }
}

/// The additional posters of a run, by split.
#[derive(Default)]
pub(crate) struct AdditionalPosters {
    pub(crate) train: Vec<Poster>,
    pub(crate) test: Vec<Poster>,
}

/// Everything that decides which additional posters a run uses.
pub(crate) struct AdditionalSource<'a> {
    pub(crate) config: &'a AdditionalConfig,
    /// The size at which posters are kept.
    pub(crate) resolution: Resolution,
    /// The folder for decoded posters.
    pub(crate) dir: &'a Path,
    /// Seed of the test split.
    pub(crate) seed: u64,
    /// Whether near-duplicates of held-out posters are left out; identical image files always are.
    pub(crate) near_duplicates: bool,
    pub(crate) skip_bad: bool,
}

/// Reads `train.csv` of each folder, with the genres of the main data. A film that the main data or an earlier folder
/// has is left out. Prints what does not fit.
///
/// # Errors
/// A file cannot be read, or has none of the genres.
pub(crate) fn read(
    dirs: &[PathBuf],
    missing_genre: Option<&str>,
    main: &Dataset,
) -> Result<Vec<Dataset>> {
    let mut seen: HashSet<String> = main.rows.iter().map(|row| row.id.clone()).collect();
    dirs.iter().map(|dir| read_one(dir, missing_genre, &main.genres, &mut seen)).collect()
}

fn read_one(
    dir: &Path,
    missing_genre: Option<&str>,
    genres: &[String],
    seen: &mut HashSet<String>,
) -> Result<Dataset> {
    let dataset = Dataset::read(dir, None)?.with_missing_genre(missing_genre);
    let name = dir.display();
    let (missing, ignored) = (dataset.lacks(genres), lacking(genres, &dataset.genres));
    ensure!(missing.len() < genres.len(), "{name} has none of the main data's genres");
    if !missing.is_empty() {
        println!("{name} has no column {}: unknown there", missing.join(", "));
    }
    if !ignored.is_empty() {
        println!("{name}: ignoring {}, which the main data lack", ignored.join(", "));
    }
    let mut dataset = dataset.with_genres(genres);
    let before = dataset.rows.len();
    // Rows of one id within a folder stay together, as in the main data.
    let new: HashSet<String> =
        dataset.rows.iter().map(|row| row.id.clone()).filter(|id| !seen.contains(id)).collect();
    dataset.rows.retain(|row| new.contains(&row.id));
    seen.extend(new);
    let known = before - dataset.rows.len();
    println!(
        "{name}: {before} posters, {known} of them left out because an earlier folder has their ids"
    );
    Ok(dataset)
}

/// Returns those of `others` that are not in `genres`.
fn lacking(genres: &[String], others: &[String]) -> Vec<String> {
    others.iter().filter(|genre| !genres.contains(genre)).cloned().collect()
}

impl AdditionalSource<'_> {
    /// Loads the posters of `datasets`, leaves out near-duplicates of the main data's validation and test posters, and
    /// draws the additional test split. Prints the counts.
    ///
    /// # Errors
    /// An image is missing or damaged, and `skip_bad` is false.
    pub(crate) fn load(
        &self,
        datasets: &[Dataset],
        main: &Dataset,
        split: &Split,
    ) -> Result<AdditionalPosters> {
        let mut posters = Vec::new();
        let mut prints = Vec::new();
        for dataset in datasets.iter().filter(|dataset| !dataset.rows.is_empty()) {
            let loaded = self.load_one(dataset)?;
            prints.extend(fingerprints(dataset, &loaded, self.near_duplicates)?);
            posters.extend(loaded);
        }
        if posters.is_empty() {
            return Ok(AdditionalPosters::default());
        }
        let mut held_out = fingerprints(main, &split.valid, self.near_duplicates)?;
        held_out.extend(fingerprints(main, &split.test, self.near_duplicates)?);
        let held_out: Vec<&Fingerprint> = held_out.iter().collect();
        let near = near_duplicates(&prints.iter().collect::<Vec<_>>(), &held_out);
        let kept = posters.into_iter().zip(prints).zip(&near).filter(|(_, near)| !**near);
        let (posters, prints): (Vec<_>, Vec<_>) = kept.map(|(kept, _)| kept).unzip();
        let left_out = near.len() - posters.len();
        println!("{left_out} additional posters left out: near-duplicates of held-out posters");

        let main_train = fingerprints(main, &split.train, self.near_duplicates)?;
        let names = self.draw(&posters, &prints, &main_train);
        let mut additional = AdditionalPosters::default();
        for (poster, name) in posters.into_iter().zip(names) {
            match name {
                SplitName::Test => additional.test.push(poster),
                _ => additional.train.push(poster),
            }
        }
        println!(
            "{} additional posters to train on, {} in a test split of their own",
            additional.train.len(),
            additional.test.len()
        );
        Ok(additional)
    }

    fn load_one(&self, dataset: &Dataset) -> Result<Vec<Poster>> {
        posters::load_into(dataset, &self.resolution, self.skip_bad, self.dir)
    }

    /// Loads the posters with which a run began, by the ids of its training and its test posters.
    ///
    /// # Errors
    /// An image is missing or damaged, and `skip_bad` is false.
    pub(crate) fn load_again(
        &self,
        datasets: &[Dataset],
        [train, test]: &[HashSet<String>; 2],
    ) -> Result<AdditionalPosters> {
        let load = |ids: &HashSet<String>| -> Result<Vec<Poster>> {
            let mut posters = Vec::new();
            for dataset in datasets.iter().map(|dataset| dataset.with_ids(ids)) {
                if !dataset.rows.is_empty() {
                    posters.extend(self.load_one(&dataset)?);
                }
            }
            Ok(posters)
        };
        Ok(AdditionalPosters { train: load(train)?, test: load(test)? })
    }

    /// Draws the additional test split. A test poster with a near-duplicate among the training posters, main and
    /// additional, moves to them, with the posters that share its id or file.
    fn draw(
        &self,
        posters: &[Poster],
        prints: &[Fingerprint],
        main_train: &[Fingerprint],
    ) -> Vec<SplitName> {
        let share = (posters.len() as f64 * self.config.test_share).round() as usize;
        let groups = group_duplicates(posters);
        let mut names = draw_groups(&groups, [0, share.min(self.config.test_limit)], self.seed);
        let with = |names: &[SplitName], name| -> Vec<usize> {
            (0..names.len()).filter(|&index| names[index] == name).collect()
        };
        let train = with(&names, SplitName::Train);
        let mut train: Vec<&Fingerprint> =
            main_train.iter().chain(train.into_iter().map(|index| &prints[index])).collect();
        loop {
            let test = with(&names, SplitName::Test);
            let test_prints: Vec<&Fingerprint> = test.iter().map(|&index| &prints[index]).collect();
            let near = near_duplicates(&test_prints, &train);
            let near = test.iter().zip(near).filter(|(_, near)| *near);
            let moved: HashSet<usize> = near.map(|(&index, _)| groups[index]).collect();
            if moved.is_empty() {
                return names;
            }
            // What moves may have near-duplicates in turn.
            train.clear();
            for index in test.into_iter().filter(|&index| moved.contains(&groups[index])) {
                names[index] = SplitName::Train;
                train.push(&prints[index]);
            }
        }
    }
}
