//! `mutuald key init`, `backup` and `restore`: one secret, as a file and on paper.

use crate::cli::output::Failure;
use crate::cli::{Answer, Context};
use crate::feed::note::{ED25519, SigningKey, VerifyKey};
use crate::node::keys;
use serde::Serialize;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
pub(super) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    vkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

pub(super) fn init(context: &Context, file: &Path, name: &str) -> anyhow::Result<Answer> {
    context.chance.draw(|rng| keys::create(file, rng))?;
    let key = SigningKey::new(name, ED25519, &*keys::read(file)?);
    let vkey = key.public().to_string();
    if VerifyKey::parse(&vkey).is_err() {
        let _ = std::fs::remove_file(file);
        return Err(Failure::usage(format!("{name:?} is no name for a key"), "use letters, digits and hyphens").into());
    }
    let text = format!(
        "A root key was made in {}.\n\n\
         KEEP   the file, on a USB stick in a locked place; or `mutuald key backup {}` for paper. Nothing replaces it, and no\n       \
         password guards it: whoever has the stick has the key. Where one person must not decide alone, let it take two of three.\n\
         NEVER  copy it to the machine on which the hub runs, or send it to anybody.\n\
         GIVE   this line, which is no secret, to whoever keeps the hub:\n\n  {vkey}\n\n\
         There: mutuald key roots --threshold 1 --key '{vkey}' …",
        file.display(),
        file.display(),
    );
    Answer::of(&Said { vkey: Some(vkey), file: Some(file.to_owned()), text })
}

pub(super) fn backup(context: &Context, file: Option<PathBuf>) -> anyhow::Result<Answer> {
    let file = match file {
        Some(file) => file,
        None => {
            let folder = context.config()?.keys();
            let newest = (1..).map(|k| keys::log_file(&folder, k)).take_while(|file| file.exists()).last();
            newest.unwrap_or_else(|| keys::log_file(&folder, 1))
        }
    };
    if context.json {
        return Err(
            Failure::usage("a key is not written as JSON", "leave out --json, and write the digits on paper").into()
        );
    }
    context.talk("Whoever reads these digits has the key. Write them on paper, with what they are for; keep no copy on this machine.\n");
    let text = format!("{}\n{}", file.display(), keys::paper(&*keys::read(&file)?).as_str());
    Answer::of(&Said { vkey: None, file: Some(file), text })
}

pub(super) fn restore(context: &Context, file: &Path) -> anyhow::Result<Answer> {
    if context.interactive() {
        context.talk("Type the four lines of digits as they are written, then Ctrl-D.");
    }
    let mut typed = zeroize::Zeroizing::new(String::new());
    std::io::stdin().lock().read_to_string(&mut typed)?;
    let secret = keys::from_paper(&typed).map_err(|line| {
        Failure::usage(
            format!("line {line} is not as it was written down"),
            "compare it digit by digit; the last four of each line check the sixteen before",
        )
    })?;
    keys::write(file, &secret)?;
    let text = format!("The key is in {} again. `mutuald key show` says whose it is.", file.display());
    Answer::of(&Said { vkey: None, file: Some(file.to_owned()), text })
}
