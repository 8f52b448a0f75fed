//! Who may enter the agent's folder.

#![expect(unsafe_code, reason = "access lists are built and handed over by pointers")]

use std::{fs, io, os::windows::ffi::OsStrExt, path::Path, ptr};

use windows_sys::Win32::{
    Foundation::{CloseHandle, HANDLE, LocalFree},
    Security::{
        ACL,
        Authorization::{
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW,
            SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
        },
        DACL_SECURITY_INFORMATION, EqualSid, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
        GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION,
        PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, TOKEN_QUERY, TOKEN_USER,
        TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// Owned by the administrators; full access for the system and the administrators, for whatever lies
/// in it as well; nothing from the folder above. In the security descriptor definition language.
const SYSTEM_AND_ADMINISTRATORS: &str = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// Makes the folder where it is missing, and lets only the system and the administrators in.
///
/// # Errors
/// When it is a link or belongs to somebody else, who could have prepared what lies in it, or when
/// Windows refuses.
pub fn restrict_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() || !found.is_dir() => {
            return Err(refused("it is no folder but a link or a file"));
        }
        Ok(_) if !is_trusted_owner(path)? => {
            return Err(refused("it belongs to somebody who is no administrator; remove it"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(path)?,
        Err(error) => return Err(error),
    }
    restrict(path)
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

/// Whether the folder belongs to the system, the administrators, or who runs this process, by
/// `GetNamedSecurityInfoW` (documented).
fn is_trusted_owner(path: &Path) -> io::Result<bool> {
    let name = wide(path);
    let mut owner: PSID = ptr::null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the name ends with a 0; what is not asked for may be null.
    let code = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let _descriptor = Local(descriptor);
    if owner.is_null() {
        return Ok(false);
    }
    // SAFETY: the owner leads into the descriptor, which is still there.
    let known = unsafe {
        IsWellKnownSid(owner, WinLocalSystemSid) != 0
            || IsWellKnownSid(owner, WinBuiltinAdministratorsSid) != 0
    };
    Ok(known || is_own_user(owner)?)
}

/// Whether this process runs as `user`, by `GetTokenInformation` (documented).
fn is_own_user(user: PSID) -> io::Result<bool> {
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
    // SAFETY: after success the buffer begins with this structure, whose pointer leads into the
    // buffer, which is still there.
    let own = unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    // SAFETY: both are valid.
    Ok(unsafe { EqualSid(user, own) } != 0)
}
