//! How the sample was drawn, declared for R (`survey`), Stata (`svyset`) and Python (its standard library).
//!
//! Each file is run in the folder of the export. What a program cannot carry exactly is said in the file: a systematic sample is
//! taken as a simple random one, a Pareto sample as one of high entropy; a quota sample declares nothing, because it has no design.

use super::draw_tables::{Drawn, in_words};
use crate::frame::draw::Design;

/// By what a sample is weighed and its errors are worked out.
enum Weighing {
    /// Every unit the same chance.
    Simple,
    /// The same, in each stratum.
    Strata,
    /// Chances of pairs known.
    Pairs,
    /// Unequal chances, those of pairs not known.
    Unequal,
    /// None.
    Nothing,
}

fn weighing(drawn: &Drawn) -> Weighing {
    match drawn.draw.request.design {
        Design::Simple { .. } | Design::Systematic { .. } => Weighing::Simple,
        Design::Stratified { .. } => Weighing::Strata,
        Design::SystematicPps { .. } if drawn.joint.is_some() => Weighing::Pairs,
        Design::SystematicPps { .. } | Design::ParetoPps { .. } => Weighing::Unequal,
        Design::Quota { .. } => Weighing::Nothing,
    }
}

/// The lines that begin each file, behind the language's mark for a comment.
fn head(drawn: &Drawn, mark: &str) -> String {
    let mut lines = vec![in_words(drawn)];
    lines.extend(drawn.draw.request.design.caution().map(str::to_owned));
    lines.extend(match drawn.draw.request.design {
        Design::Systematic { .. } => Some(
            "Declared as a simple random sample: its standard errors are too large where the sorting helped, and no exact ones exist."
                .to_owned(),
        ),
        Design::SystematicPps { .. } if drawn.joint.is_none() => Some(
            "Some pairs can never be drawn together, or the sample is too large to list its pairs: standard errors are Brewer's approximation."
                .to_owned(),
        ),
        Design::ParetoPps { .. } => Some("Standard errors are Brewer's approximation, which suits this design.".to_owned()),
        _ => None,
    });
    let without = drawn.strata.iter().any(|(_, _, taken)| *taken == 0);
    lines.extend(without.then(|| "Some strata gave no unit (data/strata.csv): totals leave them out.".to_owned()));
    lines.iter().map(|line| format!("{mark} {line}\n")).collect()
}

/// For R.
pub fn r(drawn: &Drawn) -> String {
    let read =
        "sample <- read.csv(\"data/sample.csv\", na.strings = \"\", encoding = \"UTF-8\", stringsAsFactors = FALSE)\n";
    let declared = match weighing(drawn) {
        Weighing::Simple => "design <- svydesign(ids = ~1, fpc = ~stratum_population, weights = ~weight, data = sample)\n".to_owned(),
        Weighing::Strata => "# A stratum that gave one unit of several has no variance: survey then stops and says so.\n\
            design <- svydesign(ids = ~1, strata = ~stratum, fpc = ~stratum_population, weights = ~weight, data = sample)\n"
            .to_owned(),
        Weighing::Pairs => "joint <- read.csv(\"data/joint.csv\")\n\
            both <- matrix(0, nrow(sample), nrow(sample))\n\
            both[cbind(joint$order_a, joint$order_b)] <- joint$joint_pi\n\
            # Sen, Yates and Grundy's standard errors, from the exact joint probabilities. Their estimate of a variance can come out\n\
            # below nothing, and R then says NaN: take pps = \"brewer\" in place of the matrix.\n\
            design <- svydesign(ids = ~1, fpc = ~pi, pps = ppsmat(both), variance = \"YG\", data = sample)\n"
            .to_owned(),
        Weighing::Unequal => "# Units that were taken for sure are a stratum of their own, in which nothing is uncertain.\n\
            design <- svydesign(ids = ~1, strata = ~certain, fpc = ~pi, pps = \"brewer\", data = sample)\n"
            .to_owned(),
        Weighing::Nothing => return format!(
            "{}{read}# There is no design to declare: count and describe these units, and estimate nothing for the frame.\n",
            head(drawn, "#")
        ),
    };
    format!(
        "{}library(survey)\n{read}{declared}\n\
        # For example: how many first-hand sightings the frame's units have together, with the standard error.\n\
        print(svytotal(~n_sources, design))\n",
        head(drawn, "#")
    )
}

/// For Stata.
pub fn stata(drawn: &Drawn) -> String {
    let read = "import delimited using \"data/sample.csv\", varnames(1) case(preserve) encoding(\"UTF-8\") stringcols(1) clear\n";
    let declared = match weighing(drawn) {
        Weighing::Simple => "svyset _n [pweight = weight], fpc(stratum_population)\n",
        Weighing::Strata => {
            "encode stratum, generate(stratum_number)\n\
            svyset _n [pweight = weight], strata(stratum_number) fpc(stratum_population)\n"
        }
        Weighing::Pairs | Weighing::Unequal => {
            "* Stata has no design of unequal probabilities without replacement: this takes the units as drawn with it, so\n\
            * standard errors are somewhat too large. Units taken for sure are a stratum of their own, wholly taken.\n\
            generate byte sure = certain == \"true\"\n\
            generate double fraction = cond(sure, 1, 0)\n\
            svyset _n [pweight = weight], strata(sure) fpc(fraction) singleunit(certainty)\n"
        }
        Weighing::Nothing => {
            return format!(
                "{}{read}* There is no design to declare: count and describe these units, and estimate nothing for the frame.\n",
                head(drawn, "*")
            );
        }
    };
    format!("{}{read}{declared}svy: total n_sources\n", head(drawn, "*"))
}

/// For Python: a program and a module in one, without other packages.
pub fn python(drawn: &Drawn) -> String {
    let estimate = match weighing(drawn) {
        Weighing::Simple | Weighing::Strata => PYTHON_STRATA,
        Weighing::Pairs => PYTHON_PAIRS,
        Weighing::Unequal => PYTHON_UNEQUAL,
        Weighing::Nothing => {
            return format!(
                "{}import csv\n\nwith open(\"data/sample.csv\", encoding=\"utf-8\", newline=\"\") as file:\n    \
                sample = list(csv.DictReader(file))\n\n\
                # There is no design to weigh by: count and describe these units, and estimate nothing for the frame.\n\
                print(len(sample), \"units\")\n",
                head(drawn, "#")
            );
        }
    };
    format!("{}{PYTHON_HEAD}{estimate}{PYTHON_TAIL}", head(drawn, "#"))
}

const PYTHON_HEAD: &str = r#"import csv
import math
import sys

with open("data/sample.csv", encoding="utf-8", newline="") as file:
    sample = list(csv.DictReader(file))


"#;

const PYTHON_STRATA: &str = r#"def total(column):
    """The total of a column over the frame, and its standard error: N * mean, N^2 (1 - n/N) s^2/n, in each stratum."""
    strata = {}
    for unit in sample:
        strata.setdefault(unit["stratum"], []).append(unit)
    value = variance = 0.0
    for units in strata.values():
        n, held = len(units), int(units[0]["stratum_population"])
        if n == 1 and held > 1:
            raise ValueError("one unit of several in a stratum: its variance cannot be estimated")
        seen = [float(unit[column]) for unit in units]
        mean = sum(seen) / n
        spread = sum((one - mean) ** 2 for one in seen) / (n - 1) if n > 1 else 0.0
        value += held * mean
        variance += held**2 * (1 - n / held) * spread / n
    return value, math.sqrt(variance)
"#;

const PYTHON_PAIRS: &str = r#"def total(column):
    """The Horvitz-Thompson total of a column over the frame, and its standard error by Sen, Yates and Grundy."""
    both = {}
    with open("data/joint.csv", encoding="utf-8", newline="") as file:
        for pair in csv.DictReader(file):
            both[int(pair["order_a"]), int(pair["order_b"])] = float(pair["joint_pi"])
    seen = [(int(unit["selection_order"]), float(unit[column]), float(unit["pi"])) for unit in sample]
    variance = 0.0
    for i, y, p in seen:
        for j, z, q in seen:
            if j < i:
                variance += (p * q - both[i, j]) / both[i, j] * (y / p - z / q) ** 2
    return sum(y / p for _, y, p in seen), math.sqrt(variance) if variance >= 0 else math.nan
"#;

const PYTHON_UNEQUAL: &str = r#"def total(column):
    """The Horvitz-Thompson total of a column over the frame, and Brewer's approximation of its standard error."""
    seen = [(float(unit[column]), float(unit["pi"])) for unit in sample]
    loose = [(y / p, p) for y, p in seen if p < 1]
    n = len(loose)
    if n == 1:
        raise ValueError("one unit that was not taken for sure: the variance cannot be estimated")
    mean = sum(y for y, _ in loose) / n if n else 0.0
    variance = n / (n - 1) * sum((1 - p) * (y - mean) ** 2 for y, p in loose) if n else 0.0
    return sum(y / p for y, p in seen), math.sqrt(variance)
"#;

const PYTHON_TAIL: &str = r#"

if __name__ == "__main__":
    for name in sys.argv[1:] or ["n_sources"]:
        value, error = total(name)
        print(f"{name}: total {value!r}, standard error {error!r}")
"#;
