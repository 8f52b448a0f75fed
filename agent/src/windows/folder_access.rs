//! Who may enter the agent's folders, and whose files are believed.

#![expect(unsafe_code, reason = "access lists are built and handed over by pointers")]

use std::{
    fs::{self, File},
    io,
    os::windows::{ffi::OsStrExt, io::AsRawHandle},
    path::Path,
    ptr, slice,
};

use windows_sys::Win32::{
    Foundation::{CloseHandle, HANDLE, LocalFree},
    Security::{
        ACL,
        Authorization::{
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW,
            GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT, SE_KERNEL_OBJECT, SE_OBJECT_TYPE,
            SetNamedSecurityInfoW,
        },
        DACL_SECURITY_INFORMATION, GetLengthSid, GetSecurityDescriptorDacl,
        GetSecurityDescriptorLength, GetSecurityDescriptorOwner, GetTokenInformation,
        OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
        PSID, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
    },
    Storage::FileSystem::CreateDirectoryW,
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

use crate::{
    raw::security::{self, Trust},
    system_errors::is_impossible_path,
};

/// Owned by the administrators; full access for the system and the administrators, for whatever lies
/// in it as well; nothing from the folder above. In the security descriptor definition language.
const SYSTEM_AND_ADMINISTRATORS: &str = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// What the agent keeps in a spool's folder: by this it knows its own again.
const OWN_FILE: &str = "lock";

/// Makes a folder of the agent's own where it is missing, and lets only the system and the
/// administrators in, the installer's and every earlier content included.
///
/// # Errors
/// When it is a link or belongs to somebody else, who could have prepared what lies in it, or when
/// Windows refuses.
pub fn restrict_own_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() || !found.is_dir() => {
            return Err(refused("it is no folder but a link or a file"));
        }
        Ok(_) if trust(path)? == Trust::ForeignOwner => {
            return Err(refused("it belongs to somebody who is no administrator; remove it"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return make_folder(path),
        Err(error) => return Err(error),
    }
    restrict(path)
}

/// Takes a folder that a setting names: one that is not there is made, and only the system and the
/// administrators let in; one that is there must be the agent's already, or empty, and closed to
/// others. Its access list is left as it is.
///
/// # Errors
/// When it is somebody else's, or Windows refuses.
pub fn claim_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return make_folder(path),
        Err(error) => return Err(error),
        Ok(found) if found.file_type().is_symlink() || !found.is_dir() => {
            return Err(refused("it is no folder but a link or a file"));
        }
        Ok(_) => {}
    }
    if !holds_spool(path) && fs::read_dir(path)?.next().is_some() {
        return Err(refused(
            "it holds what is not the agent's; name a folder that is not there yet",
        ));
    }
    believe(path)
}

/// Deletes a folder of the agent's with all that is in it; one that is not there is none. A link is not
/// followed, and what holds nothing of the agent's is left alone.
///
/// # Errors
/// When it is not the agent's, or Windows refuses.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if found.file_type().is_symlink() || !found.is_dir() => {
            return Err(refused("it is no folder but a link or a file"));
        }
        Ok(_) if trust(path)? == Trust::ForeignOwner => {
            return Err(refused("it belongs to somebody who is no administrator"));
        }
        Ok(_) => {}
    }
    fs::remove_dir_all(path)
}

/// Whether a spool of the agent's lies in a folder.
#[must_use]
pub fn holds_spool(path: &Path) -> bool {
    path.join(OWN_FILE).is_file()
}

/// Whether a file or folder may be believed: it belongs to the system, the administrators or who runs
/// this process, and nobody else may write it.
///
/// # Errors
/// When it may not, or Windows does not say.
pub fn believe(path: &Path) -> io::Result<()> {
    refuse_untrusted(trust(path)?)
}

/// The same of a file that is open: nobody can put another in its place between the look and the reading.
pub(crate) fn believe_open(file: &File) -> io::Result<()> {
    refuse_untrusted(trust_of(file, SE_FILE_OBJECT)?)
}

/// Whether the pipe behind a handle was made by the system, the administrators or who runs this process.
pub(super) fn is_of_system(pipe: &File) -> bool {
    trust_of(pipe, SE_KERNEL_OBJECT).is_ok_and(|trust| trust != Trust::ForeignOwner)
}

/// Whether a folder can never be taken: it is refused here, or its path can be none.
#[must_use]
pub fn is_refusal(error: &io::Error) -> bool {
    error.raw_os_error().is_none() || is_impossible_path(error)
}

fn refuse_untrusted(trust: Trust) -> io::Result<()> {
    match trust {
        Trust::Trusted => Ok(()),
        Trust::ForeignOwner => Err(refused(
            "it belongs to somebody who is no administrator; takeown /a /f gives it to them",
        )),
        Trust::OthersMayWrite => Err(refused("others than administrators may write it")),
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Memory that Windows gave and wants back by `LocalFree`.
struct Local(*mut core::ffi::c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the memory came from a function that wants it back this way; null is allowed.
        unsafe { LocalFree(self.0) };
    }
}

/// Makes a folder, and those above it that are missing, by `CreateDirectoryW` (documented): closed to
/// others from its first moment on, so that a crash leaves none that they could have entered.
fn make_folder(path: &Path) -> io::Result<()> {
    let descriptor = descriptor(SYSTEM_AND_ADMINISTRATORS)?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        let name = wide(folder);
        // SAFETY: the name ends with a 0; attributes and descriptor live during the call.
        if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// `SetNamedSecurityInfoW` (documented) with owner and access list of
/// [`SYSTEM_AND_ADMINISTRATORS`].
fn restrict(path: &Path) -> io::Result<()> {
    let descriptor = descriptor(SYSTEM_AND_ADMINISTRATORS)?;
    let (mut owner, mut list): (PSID, *mut ACL) = (ptr::null_mut(), ptr::null_mut());
    let (mut present, mut by_default) = (0, 0);
    // SAFETY: the descriptor is valid and outlives both pointers, which lead into it.
    let read = unsafe {
        GetSecurityDescriptorOwner(descriptor.0, &raw mut owner, &raw mut by_default) != 0
            && GetSecurityDescriptorDacl(
                descriptor.0,
                &raw mut present,
                &raw mut list,
                &raw mut by_default,
            ) != 0
    };
    if !read || present == 0 || list.is_null() {
        return Err(io::Error::last_os_error());
    }
    let name = wide(path);
    let what = OWNER_SECURITY_INFORMATION
        | DACL_SECURITY_INFORMATION
        | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a 0; owner and list are valid until the descriptor is dropped.
    let code = unsafe {
        SetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            what,
            owner,
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// `ConvertStringSecurityDescriptorToSecurityDescriptorW` (documented).
fn descriptor(text: &str) -> io::Result<Local> {
    let text = wide(text);
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the text ends with a 0; the descriptor is stored in `descriptor`; its size is not asked.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    };
    if made == 0 { Err(io::Error::last_os_error()) } else { Ok(Local(descriptor)) }
}

/// Who owns a file or folder and may change it, by `GetNamedSecurityInfoW` (documented).
fn trust(path: &Path) -> io::Result<Trust> {
    let name = wide(path);
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the name ends with a 0; what is not asked for may be null.
    let code = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    judge(code, descriptor)
}

/// The same of what is open, by `GetSecurityInfo` (documented).
fn trust_of(open: &File, kind: SE_OBJECT_TYPE) -> io::Result<Trust> {
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the handle is open; what is not asked for may be null.
    let code = unsafe {
        GetSecurityInfo(
            open.as_raw_handle(),
            kind,
            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    judge(code, descriptor)
}

/// Judges what one of these calls gave.
fn judge(code: u32, descriptor: PSECURITY_DESCRIPTOR) -> io::Result<Trust> {
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let descriptor = Local(descriptor);
    // SAFETY: the descriptor is valid, and in one piece, as these functions give it.
    let bytes = unsafe {
        let length = GetSecurityDescriptorLength(descriptor.0) as usize;
        slice::from_raw_parts(descriptor.0.cast::<u8>(), length)
    };
    security::judge(bytes, &own_user().unwrap_or_default()).map_err(io::Error::other)
}

/// The SID of who runs this process, by `GetTokenInformation` (documented).
fn own_user() -> io::Result<Vec<u8>> {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the handle stands for this process and needs no closing.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // A user and its SID, which has at most 68 bytes; in words, so that it is aligned.
    let mut buffer = [0_u64; 16];
    let mut told = 0;
    // SAFETY: the function writes at most the bytes that the buffer has.
    let asked = unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            size_of_val(&buffer) as u32,
            &raw mut told,
        )
    };
    let error = io::Error::last_os_error();
    // SAFETY: opened above and not used again.
    unsafe { CloseHandle(token) };
    if asked == 0 {
        return Err(error);
    }
    // SAFETY: after success the buffer begins with this structure, whose pointer leads to a SID in the
    // buffer, which is still there.
    Ok(unsafe {
        let own = (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        slice::from_raw_parts(own.cast::<u8>(), GetLengthSid(own) as usize)
    }
    .to_vec())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_is_closed_from_its_first_moment_and_taken_again_after_a_crash() {
        let place = TempDir::new().unwrap();
        let folder = place.path().join("made/with it/spool");
        make_folder(&folder).unwrap();
        for made in folder.ancestors().take(3) {
            assert_eq!(trust(made).unwrap(), Trust::Trusted, "{}", made.display());
        }
        // The process ended here, before anything was in it.
        claim_folder(&folder).unwrap();
        fs::write(folder.join(OWN_FILE), "").unwrap();
        claim_folder(&folder).unwrap();
        fs::remove_file(folder.join(OWN_FILE)).unwrap();
        fs::write(folder.join("other"), "").unwrap();
        assert!(is_refusal(&claim_folder(&folder).unwrap_err()));
    }
}
