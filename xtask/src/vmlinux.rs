//! Unpacking the kernel proper out of its compressed image: booted as ELF by PVH it starts faster.
//!
//! In: a bzImage (kernel: Documentation/arch/x86/boot.rst). Out: an ELF file with a PVH entry, or an error.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::paths;

/// Compression formats of kernels: how the payload begins, and what unpacks it.
const FORMATS: [(&[u8], &[&str]); 4] = [
    (b"\xfd7zXZ\x00", &["xz", "-dc", "--single-stream"]),
    (b"\x28\xb5\x2f\xfd", &["zstd", "-dcq"]),
    (b"\x1f\x8b", &["gzip", "-dc"]),
    (b"\x02\x21\x4c\x18", &["lz4", "-dcq"]),
];

/// The ELF note by which a kernel names its PVH entry: owner `Xen`, type 18.
const PVH_NOTE: &[u8] = b"\x04\0\0\0\x08\0\0\0\x12\0\0\0Xen\0";
const PVH_NOTE_SHORT: &[u8] = b"\x04\0\0\0\x04\0\0\0\x12\0\0\0Xen\0";

/// Writes the ELF file that stands compressed in `image` to `target`.
pub fn extract(image: &Path, target: &Path) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let payload = payload(&bytes).context("the image's header is not as documented")?;
    let format = FORMATS.iter().find(|(magic, _)| payload.starts_with(magic));
    let (_, command) = format.context("its compression is not known")?;
    let kernel = unpack(command, payload)?;
    if !kernel.starts_with(b"\x7fELF") {
        bail!("what it holds is not ELF");
    }
    let has = |note: &[u8]| kernel.windows(note.len()).any(|window| window == note);
    if !has(PVH_NOTE) && !has(PVH_NOTE_SHORT) {
        bail!("it has no PVH entry");
    }
    paths::write_whole(target, &kernel)
}

/// The compressed kernel within the image, without the four bytes of its length at the end.
fn payload(image: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let setup_sectors = match usize::from(*image.get(0x1f1)?) {
        0 => 4,
        sectors => sectors,
    };
    let start = (setup_sectors + 1) * 512 + word(0x248)?;
    image.get(start..start + word(0x24c)?.checked_sub(4)?)
}

fn unpack(command: &[&str], payload: &[u8]) -> Result<Vec<u8>> {
    let [program, arguments @ ..] = command else { bail!("no command") };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    std::thread::scope(|scope| {
        // A reader that has enough closes the pipe: what it wrote decides, not whether it read all.
        scope.spawn(move || stdin.write_all(payload).ok());
        let output = child.wait_with_output().with_context(|| format!("cannot run {program}"))?;
        if output.stdout.is_empty() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    })
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn the_payload_stands_where_the_header_says() {
        let mut image = vec![0_u8; 2048];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&8_u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&12_u32.to_le_bytes());
        image[1032..1040].copy_from_slice(b"compress");
        assert_eq!(payload(&image), Some(&b"compress"[..]));
        image[0x24c..0x250].copy_from_slice(&9999_u32.to_le_bytes());
        assert_eq!(payload(&image), None);
    }
}
