//! Where data goes: standard output, or a file that appears when it is whole.

use super::error::Error;
#[cfg(unix)]
use super::signal::Signals;
#[cfg(unix)]
use crate::capture::Interrupt;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// An open output. Dropped before [`Output::finish`], a file leaves nothing behind.
pub struct Output {
    target: Target,
}

enum Target {
    Stdout(BufWriter<io::Stdout>),
    /// A pipe or a device: nothing can be put in its place.
    Direct {
        file: BufWriter<File>,
        path: PathBuf,
    },
    Beside(Beside),
}

/// A file that will take the place of another. It is there from the first octet to the last, so that
/// whoever is ended before leaves nothing behind. Whoever is killed amid its writing does: its file is
/// locked for as long as it lives, by which the next that writes in the same place knows one that is
/// left, and removes it.
struct Beside {
    file: Option<BufWriter<File>>,
    at: PathBuf,
    path: PathBuf,
    /// Whether none but its owner may read it.
    private: bool,
    #[cfg(unix)]
    signals: Signals,
}

impl Output {
    /// Opens it before the work begins, so that a wrong path costs no time.
    ///
    /// An output that is also an input is refused.
    pub fn open(path: Option<&Path>, inputs: &[PathBuf]) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self {
                target: Target::Stdout(BufWriter::new(io::stdout())),
            });
        };
        let error = |source| Error::File {
            path: path.display().to_string(),
            source,
        };
        // A link stays a link: what it points to is replaced.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(_) => path.to_owned(),
        };
        if inputs
            .iter()
            .any(|input| fs::canonicalize(input).is_ok_and(|input| input == path))
        {
            return Err(Error::Usage(format!("{}: is an input too", path.display())));
        }
        let target = match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => return Err(error(io::ErrorKind::IsADirectory.into())),
            Ok(meta) if !meta.is_file() => {
                let file = File::options().write(true).open(&path).map_err(error)?;
                Target::Direct {
                    file: BufWriter::new(file),
                    path,
                }
            }
            _ => Target::Beside(Beside::create(path).map_err(error)?),
        };
        Ok(Self { target })
    }

    /// Lets nobody but its owner read the file, which is not there yet.
    pub fn keep_private(&mut self) {
        if let Target::Beside(beside) = &mut self.target {
            beside.private = true;
        }
    }

    /// Has the first interrupt end the pipe that is read, and not the program: what was read is written.
    ///
    /// # Errors
    /// As those of [`Signals::end_first`].
    #[cfg(unix)]
    pub fn end_first(&self, pipe: Interrupt) -> io::Result<()> {
        match &self.target {
            Target::Beside(beside) => beside.signals.end_first(pipe),
            // Nothing half written is left there.
            Target::Stdout(_) | Target::Direct { .. } => Signals::default().end_first(pipe),
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> Result<(), Error> {
        let flushed = Write::flush(self);
        flushed.map_err(|source| self.error(source))
    }

    /// Everything is written: a file takes its place.
    pub fn finish(mut self) -> Result<(), Error> {
        self.flush()?;
        if let Target::Beside(beside) = &mut self.target {
            let moved = beside.put();
            return moved.map_err(|source| self.error(source));
        }
        Ok(())
    }

    /// Says what could not be written.
    pub fn error(&self, source: io::Error) -> Error {
        match &self.target {
            Target::Stdout(_) => Error::Stdout(source),
            Target::Direct { path, .. } | Target::Beside(Beside { path, .. }) => Error::File {
                path: path.display().to_string(),
                source,
            },
        }
    }

    fn writer(&mut self) -> io::Result<&mut dyn Write> {
        match &mut self.target {
            Target::Stdout(out) => Ok(out),
            Target::Direct { file, .. } => Ok(file),
            Target::Beside(beside) => Ok(beside.file()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.writer()?.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.target {
            Target::Beside(Beside { file: None, .. }) => Ok(()),
            _ => self.writer()?.flush(),
        }
    }
}

impl Beside {
    /// Sees whether there can be such a file.
    fn create(path: PathBuf) -> io::Result<Self> {
        let at = beside(&path, std::process::id()).ok_or(io::ErrorKind::InvalidInput)?;
        remove_left(&path);
        drop(File::create(&at)?);
        fs::remove_file(&at)?;
        Ok(Self {
            file: None,
            at,
            path,
            private: false,
            #[cfg(unix)]
            signals: Signals::default(),
        })
    }

    fn file(&mut self) -> io::Result<&mut BufWriter<File>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::new(self.make()?),
        };
        Ok(self.file.insert(file))
    }

    fn make(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        if self.private {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        #[cfg(unix)]
        self.signals.remove_when_ended(self.at.clone())?;
        let file = loop {
            let file = options.open(&self.at)?;
            // Not every file system has locks: then what is left stays.
            let _ = file.lock();
            // Whoever takes away what is left may have found it before it was locked.
            if self.at.exists() {
                break file;
            }
        };
        // A file that others may not read must not be replaced by one that they may.
        if !self.private
            && let Ok(meta) = fs::metadata(&self.path)
        {
            file.set_permissions(meta.permissions())?;
        }
        Ok(file)
    }

    fn put(&mut self) -> io::Result<()> {
        self.file()?.flush()?;
        let moved = fs::rename(&self.at, &self.path);
        // Locked until it is in its place.
        self.file = None;
        if moved.is_err() {
            let _ = fs::remove_file(&self.at);
        }
        moved
    }
}

/// Where a process writes what will be `path`.
fn beside(path: &Path, process: u32) -> Option<PathBuf> {
    let mut part = OsString::from(".");
    part.push(path.file_name()?);
    part.push(format!(".{process}.part"));
    Some(path.with_file_name(part))
}

/// Removes what processes that are no more have left beside `path`.
fn remove_left(path: &Path) {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let entries = fs::read_dir(folder.unwrap_or(Path::new(".")));
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        let mut parts = name.as_encoded_bytes().rsplitn(3, |octet| *octet == b'.');
        let process = parts.nth(1).and_then(|digits| str::from_utf8(digits).ok());
        let process = process.and_then(|digits| digits.parse().ok());
        let part = process.and_then(|process| beside(path, process));
        // To open a named pipe would wait for its reader.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file
            && let Some(part) = part.filter(|part| part.file_name() == Some(&name))
            && let Ok(file) = File::options().write(true).open(&part)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&part);
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.at);
        }
    }
}
