//! `mutuald group`

mod change;
pub(super) use change::{published, refused};
pub(super) use show::{open_words, sources, why};
mod list;
mod show;
mod why;

use super::{Answer, Context};

/// Groups: find them, look at them, say something about them
#[derive(Debug, clap::Subcommand)]
pub enum Group {
    List(list::List),
    Show(show::Show),
    Why(why::Why),
    Add(change::Add),
    Edit(change::Edit),
    Close(change::Close),
    Affirm(change::Affirm),
    Withdraw(change::Withdraw),
}

impl Group {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Group::List(command) => command.run(context).await,
            Group::Show(command) => command.run(context).await,
            Group::Why(command) => command.run(context).await,
            Group::Add(command) => command.run(context).await,
            Group::Edit(command) => command.run(context).await,
            Group::Close(command) => command.run(context).await,
            Group::Affirm(command) => command.run(context).await,
            Group::Withdraw(command) => command.run(context).await,
        }
    }
}
