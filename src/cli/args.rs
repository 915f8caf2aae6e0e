//! What was typed.

use crate::diagnose::Severity;
use crate::language::Language;
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Reads packet captures and tells what is wrong with an IPsec VPN
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXIT_CODES
)]
pub struct Args {
    /// What to do; without one, `diagnose`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The arguments of `diagnose`.
    #[command(flatten)]
    pub diagnose: DiagnoseArgs,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; nothing at or above --fail-on was found
  1  done; something at or above --fail-on was found
  2  wrong usage, or no such input
  3  an input could be read in part only
  4  an input could not be read at all";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find tunnels and say what is wrong (as without a command)
    Diagnose(DiagnoseArgs),
    /// Show every IKE message, ESP and AH packet, NAT keepalive and ICMP error about one
    Dissect(DissectArgs),
    /// Show tables of IKE SAs, child SAs, ESP flows and exchanges
    Tunnels(TunnelsArgs),
    /// Write the capture with what ESP carries in clear, as pcapng
    Decrypt(DecryptArgs),
    /// List the keys in key files, without showing them, or convert them
    Keys(KeysArgs),
    /// Explain a rule: what it means, how it is seen, what else looks like it, what to do
    Explain(ExplainArgs),
    /// Print the JSON Schemas of the output
    Schema(SchemaArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// What all commands that read captures understand.
#[derive(Debug, clap::Args)]
pub struct CommonArgs {
    /// Captures (pcap, pcapng, snoop; plain, gzip or zstd), folders of them, or `-` for a pipe
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,
    /// Key file or folder of them; formats are known by their content
    #[arg(short, long, value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub keys: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to a file, which appears when it is whole
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Threads to use [default: one a core]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Take no more memory than this, besides keys; what is beyond is told (such as 512M or 2G)
    #[arg(long, value_name = "SIZE", value_parser = octets)]
    pub max_memory: Option<u64>,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Say nothing on standard error but why the run failed
    #[arg(short, long)]
    pub quiet: bool,
    /// Show more: every finding in full, every message as a tree
    #[arg(short, long)]
    pub verbose: bool,
    /// Only tunnels of this number, or with this in an address or SPI
    #[arg(long, value_name = "FILTER")]
    pub tunnel: Option<String>,
    /// Only frames from this moment on (RFC 3339, or seconds since the epoch)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only frames up to this moment
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Octets of a chunk: changes nothing that is found, which tests hold true
    #[arg(long, value_name = "OCTETS", hide = true)]
    pub chunk_size: Option<NonZeroUsize>,
}

/// Reads a size: octets, or KiB, MiB or GiB with `K`, `M` or `G` behind the number.
fn octets(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        _ => (Some(text), 0),
    };
    number
        .and_then(|number| number.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "not a size; expected such as 512M or 2G".to_owned())
}

/// Arguments of `diagnose`.
#[derive(Debug, clap::Args)]
pub struct DiagnoseArgs {
    /// The common ones.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Show only findings of this severity and above
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = SeverityArg::Info)]
    pub min_severity: SeverityArg,
    /// Exit with 1 if a finding of this severity or above is found
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Never)]
    pub fail_on: FailOn,
    /// In which language.
    #[command(flatten)]
    pub language: LanguageArg,
}

/// The language of what is said.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct LanguageArg {
    /// Language of what is said
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value_t = Lang::En)]
    pub lang: Lang,
}

/// Languages by their tags.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::English,
            Lang::Zh => Self::Chinese,
        }
    }
}

/// Arguments of `dissect`.
#[derive(Debug, clap::Args)]
pub struct DissectArgs {
    /// The common ones.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `decrypt`. Of the common ones it refuses two.
#[derive(Debug, clap::Args)]
#[command(mut_arg("format", |arg| arg.hide(true)), mut_arg("tunnel", |arg| arg.hide(true)))]
pub struct DecryptArgs {
    /// The common ones.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `tunnels`.
#[derive(Debug, clap::Args)]
pub struct TunnelsArgs {
    /// The common ones.
    #[command(flatten)]
    pub common: CommonArgs,
    /// In which language.
    #[command(flatten)]
    pub language: LanguageArg,
}

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    /// Key files or folders of them; formats are known by their content
    #[arg(value_name = "FILE|FOLDER", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Write the keys in another format, in clear
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: Option<KeyFormatArg>,
    /// Only this table of Wireshark's
    #[arg(long, value_enum, value_name = "TABLE")]
    pub table: Option<KeyTable>,
    /// Write to a file; with `--to wireshark` and no `--table`, to files of a folder
    #[arg(short, long, value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Say nothing on standard error but why the run failed
    #[arg(short, long)]
    pub quiet: bool,
}

/// Formats that keys are written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum KeyFormatArg {
    /// Wireshark's three tables
    Wireshark,
    /// As ip xfrm state prints it: ESP and AH
    Xfrm,
    /// espial's own, which says everything
    Toml,
}

impl KeyFormatArg {
    /// The name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wireshark => "wireshark",
            Self::Xfrm => "xfrm",
            Self::Toml => "toml",
        }
    }
}

/// Wireshark's tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum KeyTable {
    /// ikev1_decryption_table
    Ikev1,
    /// ikev2_decryption_table
    Ikev2,
    /// esp_sa
    Esp,
}

impl KeyTable {
    /// The name of its file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Ikev1 => "ikev1_decryption_table",
            Self::Ikev2 => "ikev2_decryption_table",
            Self::Esp => "esp_sa",
        }
    }
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Slug or code of a rule; without one, all rules are listed
    pub rule: Option<String>,
    /// Print which rules answer the questions that operators ask first, as Markdown
    #[arg(long, conflicts_with_all = ["rule", "format"])]
    pub faq: bool,
    /// In which language.
    #[command(flatten)]
    pub language: LanguageArg,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Name of a schema, such as `espial.diagnosis/1`; without one, all are printed in one object
    pub name: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A severity.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum SeverityArg {
    /// Worth knowing, normal
    Info,
    /// Works, but impaired
    Warning,
    /// Broken
    Error,
}

impl From<SeverityArg> for Severity {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Info => Self::Info,
            SeverityArg::Warning => Self::Warning,
            SeverityArg::Error => Self::Error,
        }
    }
}

/// What makes a run exit with 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FailOn {
    /// Something is broken
    Error,
    /// Something is broken or impaired
    Warning,
    /// Nothing
    Never,
}

impl FailOn {
    /// The least severity that fails the run.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KEY_FORMATS;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn keys_are_written_in_formats_that_can_be_written() {
        for format in KeyFormatArg::value_variants() {
            let found = KEY_FORMATS.iter().find(|known| known.name == format.name());
            assert!(
                found.is_some_and(|format| format.is_written()),
                "{format:?}"
            );
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        let read = ["7", "3k", "512M", "2g"].map(|text| octets(text).unwrap());
        assert_eq!(read, [7, 3 << 10, 512 << 20, 2 << 30]);
        for wrong in ["", "M", "-1", "1.5G", "2T", "2é", "99999999999999G"] {
            assert!(octets(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_input_alone_is_diagnosed() {
        let args = Args::try_parse_from(["espial", "a.pcap", "--fail-on", "error"]).unwrap();
        assert!(args.command.is_none());
        assert_eq!(args.diagnose.common.inputs, [PathBuf::from("a.pcap")]);
        assert_eq!(args.diagnose.fail_on, FailOn::Error);
    }
}
