//! `leveret completions`: what a shell needs to complete these commands.

use super::{DONE, Runs};
use crate::failure::Outcome;
use crate::output::print;
use clap::Args;
use clap_complete::Shell;

/// Options of `leveret completions`.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(
        value_enum,
        hide_possible_values = true,
        help = "The shell: bash, zsh, fish, elvish or powershell"
    )]
    shell: Shell,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  leveret completions bash > /etc/bash_completion.d/leveret
  leveret completions zsh > ~/.zfunc/_leveret
  leveret completions fish > ~/.config/fish/completions/leveret.fish";

impl Runs for Completions {
    fn run(self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::cli::command(), "leveret", &mut script);
        print(&String::from_utf8_lossy(&script))?;
        DONE
    }
}
