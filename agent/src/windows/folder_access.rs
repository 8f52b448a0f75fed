//! Who may enter the agent's folders, and whose files are believed.

#![expect(unsafe_code, reason = "access lists are built and handed over by pointers")]

use std::{fs, io, os::windows::ffi::OsStrExt, path::Path, ptr, slice};

use windows_sys::Win32::{
    Foundation::{CloseHandle, HANDLE, LocalFree},
    Security::{
        ACL,
        Authorization::{
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW,
            SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
        },
        DACL_SECURITY_INFORMATION, GetLengthSid, GetSecurityDescriptorDacl,
        GetSecurityDescriptorLength, GetSecurityDescriptorOwner, GetTokenInformation,
        OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
        PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

use crate::raw::security::{self, Trust};

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
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(path)?,
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path)?;
            return restrict(path);
        }
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

/// Whether a file may be believed: it belongs to the system, the administrators or who runs this
/// process, and nobody else may write it.
///
/// # Errors
/// When it may not, or Windows does not say.
pub fn believe(path: &Path) -> io::Result<()> {
    match trust(path)? {
        Trust::Trusted => Ok(()),
        Trust::ForeignOwner => Err(refused("it belongs to somebody who is no administrator")),
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
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let descriptor = Local(descriptor);
    // SAFETY: the descriptor is valid, and in one piece, as this function gives it.
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
