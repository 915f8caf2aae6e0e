//! Where data goes: standard output, or a file that appears when it is whole.

use super::error::Error;
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

/// A file that will take the place of another.
struct Beside {
    file: Option<BufWriter<File>>,
    at: PathBuf,
    path: PathBuf,
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

    /// Lets nobody but its owner read the file, which is still empty.
    pub fn keep_private(&self) -> Result<(), Error> {
        #[cfg(unix)]
        if let Target::Beside(Beside {
            file: Some(file), ..
        }) = &self.target
        {
            use std::os::unix::fs::PermissionsExt;
            let private = fs::Permissions::from_mode(0o600);
            let kept = file.get_ref().set_permissions(private);
            return kept.map_err(|source| self.error(source));
        }
        Ok(())
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
            Target::Beside(beside) => match &mut beside.file {
                Some(file) => Ok(file),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
        }
    }
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.writer()?.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer()?.flush()
    }
}

impl Beside {
    fn create(path: PathBuf) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", std::process::id()));
        let at = path.with_file_name(part);
        let file = File::create(&at)?;
        // A file that others may not read must not be replaced by one that they may.
        if let Ok(meta) = fs::metadata(&path) {
            file.set_permissions(meta.permissions())?;
        }
        Ok(Self {
            file: Some(BufWriter::new(file)),
            at,
            path,
        })
    }

    fn put(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.flush()?;
            if let Err(error) = fs::rename(&self.at, &self.path) {
                let _ = fs::remove_file(&self.at);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.at);
        }
    }
}
