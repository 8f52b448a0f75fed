#!/usr/bin/python3
"""Group Policy of the directory that domain.sh started. Run by "domain.sh as FOLDER".

  policy.py set OBJECT NAME=VALUE…   sets policies as Windows' editor does, by the template in the
                                     central store and within its bounds; NAME= unsets, and
                                     NAME:sz=VALUE, NAME:dword=VALUE write past the editor
  policy.py put OBJECT FILE.xml      gives the object preferences, after a look at their shape
  policy.py apply FOLDER             as the computer: what applies to it, as policy.reg and as files of
                                     preferences, brought into FOLDER
  policy.py fetch SHARE FOLDER       as the computer: the files of a share
"""
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import ldb
from samba import gpo, param
from samba.auth import system_session
from samba.credentials import SMB_SIGNING_REQUIRED, Credentials
from samba.dcerpc import preg
from samba.ndr import ndr_pack, ndr_unpack
from samba.samba3 import libsmb_samba_internal as libsmb
from samba.samba3 import param as s3param
from samba.samdb import SamDB

FOLDER = Path(os.environ["DIRECTORY"])
CONTROLLER, REALM = "dc1.pool.test", "pool.test"
AGENT_KEY = r"SOFTWARE\Policies\Poolwatch\Agent"
ADMX = "{http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions}"
SZ, DWORD = 1, 4
# The extension of the client that reads a part of an object, and the editor's that writes it
# ([MS-GPREG] 1.9, [MS-GPPREF] 1.9). Without these in the directory no client looks.
REGISTRY = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}", "{D02B1F72-3407-48AE-BA88-E8213C6761F1}"
TASKS = "{AADCED64-746C-4633-A97C-D61349046527}", "{CAB54552-DEEA-4691-817E-ED4A4D1AFC72}"
EDITORS = "{00000000-0000-0000-0000-000000000000}"


def sign_in(who):
    """What the domain knows somebody by: settings, and a proof."""
    settings = param.LoadParm()
    settings.load(str(FOLDER / f"{who}.conf"))
    files = s3param.get_context()
    files.load(str(FOLDER / f"{who}.conf"))
    proof = Credentials()
    proof.guess(settings)
    if who == "computer":
        proof.set_machine_account(settings)
    else:
        proof.set_username("Administrator")
        proof.set_password((FOLDER / "password").read_text().strip())
    proof.set_smb_signing(SMB_SIGNING_REQUIRED)
    return settings, files, proof


def open_share(who, share):
    _, files, proof = sign_in(who)
    return libsmb.Conn(CONTROLLER, share, lp=files, creds=proof)


def load(share, path):
    """A file, or None where there is none."""
    try:
        return share.loadfile(path)
    except Exception as error:  # NTSTATUSError: no class of its own for "not there"
        if error.args[0] in (0xC0000034, 0xC000003A, 0xC000000F):
            return None
        raise


def read_values(share, path):
    """Key, value, type and data of each line of an object's Registry.pol."""
    raw = load(share, path)
    # Entries do not outlive the file that they are of.
    file = ndr_unpack(preg.file, raw) if raw else preg.file()
    return [(one.keyname, one.valuename, one.type, one.data) for one in file.entries]


class PolicyObject:
    """A Group Policy object as its editor sees it."""

    def __init__(self, name):
        settings, _, proof = sign_in("administrator")
        self.directory = SamDB(url=f"ldap://{CONTROLLER}", session_info=system_session(),
                               credentials=proof, lp=settings)
        found = self.directory.search(
            f"CN=Policies,CN=System,{self.directory.get_default_basedn()}", ldb.SCOPE_ONELEVEL,
            f"(displayName={name})", ["name", "versionNumber", "gPCMachineExtensionNames"])
        if len(found) != 1:
            sys.exit(f"{len(found)} objects are called {name}")
        self.entry = found[0]
        self.path = f"{REALM}\\Policies\\{self.entry['name'][0]}"
        self.sysvol = open_share("administrator", "sysvol")

    def write(self, path, content, extension, editor):
        """Writes a file of the object, counts its version up in directory and files alike, and names who
        has to read it."""
        parts = f"MACHINE\\{path}".split("\\")
        for depth in range(1, len(parts)):
            folder = "\\".join([self.path, *parts[:depth]])
            if not self.sysvol.chkpath(folder):
                self.sysvol.mkdir(folder)
        self.sysvol.savefile("\\".join([self.path, *parts]), content)
        names = self.entry.get("gPCMachineExtensionNames", [b""])[0].decode()
        groups = {}
        for group in re.findall(r"\[([^]]*)\]", names):
            first, *rest = re.findall(r"\{[^}]*\}", group)
            groups[first] = set(rest)
        groups.setdefault(extension, set()).add(editor)
        if extension != REGISTRY[0]:
            groups.setdefault(EDITORS, set()).add(editor)
        version = str(int(self.entry["versionNumber"][0]) + 1)
        told = "".join(f"[{key}{''.join(sorted(groups[key]))}]" for key in sorted(groups))
        change = ldb.Message(self.entry.dn)
        for name, value in ("versionNumber", version), ("gPCMachineExtensionNames", told):
            change[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        self.sysvol.savefile(f"{self.path}\\GPT.INI", f"[General]\r\nVersion={version}\r\n".encode())
        self.directory.modify(change)


def edited(template, name, text):
    """Key, value, type and data that the editor writes for a policy, which it refuses elsewhere."""
    policy = template.find(f".//{ADMX}policy[@name='{name}']")
    if policy is None:
        sys.exit(f"the template has no policy {name}")
    key, elements = policy.get("key"), policy.find(f"{ADMX}elements")
    if elements is None:
        state = {"enabled": "enabledValue", "disabled": "disabledValue"}.get(text, "none")
        number = policy.find(f"{ADMX}{state}/{ADMX}decimal")
        if number is None:
            sys.exit(f"{name} is enabled or disabled")
        return key, policy.get("valueName"), DWORD, int(number.get("value"))
    (element,) = elements
    if element.tag == f"{ADMX}decimal":
        least, most = int(element.get("minValue")), int(element.get("maxValue"))
        if not text.isdigit() or not least <= int(text) <= most:
            sys.exit(f"the editor takes {least} to {most} for {name}, not {text}")
        return key, element.get("valueName"), DWORD, int(text)
    if not 0 < len(text) <= int(element.get("maxLength")):
        sys.exit(f"the editor takes 1 to {element.get('maxLength')} characters for {name}")
    return key, element.get("valueName"), SZ, text


def set_policies(name, assignments):
    policy_object = PolicyObject(name)
    store = f"{REALM}\\Policies\\PolicyDefinitions"
    template = ET.fromstring(policy_object.sysvol.loadfile(f"{store}\\Poolwatch.admx"))
    known = read_values(policy_object.sysvol, f"{policy_object.path}\\MACHINE\\Registry.pol")
    values = {one[:2]: one for one in known}
    for assignment in assignments:
        target, text = assignment.split("=", 1)
        target, _, forced = target.partition(":")
        if not text and not forced:
            values = {at: one for at, one in values.items() if at[1] != target}
            continue
        made = {"sz": (AGENT_KEY, target, SZ, text)}.get(forced)
        if forced == "dword":
            made = AGENT_KEY, target, DWORD, int(text)
        made = made or edited(template, target, text)
        values[made[:2]] = made
    entries = []
    for value in values.values():
        entries.append(preg.entry())
        entries[-1].keyname, entries[-1].valuename, entries[-1].type, entries[-1].data = value
    written = preg.file()
    written.header.signature, written.header.version = "PReg", 1
    # The number first: until it is set, the list reads as empty.
    written.num_entries, written.entries = len(entries), entries
    policy_object.write("Registry.pol", ndr_pack(written), *REGISTRY)


def faults(tasks):
    """What [MS-GPPREF] 2.2.1.22 asks of scheduled tasks and is not so."""
    guid = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
    if tasks.tag != "ScheduledTasks" or tasks.get("clsid") != "{CC63F200-7309-4ba0-B154-A71CD118DBCC}":
        yield "the root is ScheduledTasks with its clsid"
    if len(tasks) == 0:
        yield "there is no task"
    for task in tasks:
        if task.tag != "ImmediateTaskV2" or task.get("clsid") != "{9756B581-76EC-4169-9AFC-0CA8D43ADB5F}":
            yield "a task is an ImmediateTaskV2 with its clsid"
        if not guid.fullmatch(task.get("uid", "")):
            yield "uid is a GUID"
        if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", task.get("changed", "")):
            yield "changed is a time"
        if sorted(child.tag for child in task) not in (["Properties"], ["Filters", "Properties"]):
            yield "a task has Properties and at most one Filters"
        properties = task.find("Properties")
        if properties is None or properties.get("action") not in ("C", "R", "U", "D") or any(
            not properties.get(name) for name in ("name", "runAs", "logonType")
        ):
            yield "Properties have action, name, runAs and logonType"
            continue
        if properties.get("name") != task.get("name"):
            yield "both names are one"
        definition = properties.find("Task")
        needed = ("RegistrationInfo", "Principals/Principal/UserId", "Settings", "Triggers",
                  "Actions/Exec/Command", "Actions/Exec/Arguments")
        if definition is None or definition.get("version") not in ("1.1", "1.2", "1.3"):
            yield "Task has a version"
            continue
        yield from (f"Task has {path}" for path in needed if definition.find(path) is None)
        for bound in "StartBoundary", "EndBoundary":
            if definition.findtext(f"Triggers/TimeTrigger/{bound}") != "%LocalTimeXmlEx%":
                yield f"{bound} is %LocalTimeXmlEx%"
        for each in task.iterfind("Filters/*"):
            if each.get("bool") not in ("AND", "OR") or each.get("not") not in ("0", "1"):
                yield f"{each.tag} has bool and not"
            if each.tag == "FilterRunOnce":
                yield "a task that is applied once is never tried again"
            if each.tag == "FilterFile" and not (
                each.get("path") and each.get("type") in ("EXISTS", "VERSION")
                and (each.get("type") == "EXISTS" or {"min", "max", "gte", "lte"} <= set(each.keys()))
            ):
                yield "FilterFile has path, type and, for a version, its bounds"


def put(name, path):
    content = Path(path).read_bytes()
    found = list(faults(ET.fromstring(content)))
    if found:
        sys.exit(f"{path} is not as it has to be: {'; '.join(found)}")
    PolicyObject(name).write("Preferences\\ScheduledTasks\\ScheduledTasks.xml", content, *TASKS)


def apply(folder):
    """What Windows does: the objects of the computer from the directory, then the files of each, in
    that order; the last one wins, and takes away what it says to."""
    _, files, proof = sign_in("computer")
    directory = gpo.ADS_STRUCT(CONTROLLER, files, proof)
    if not directory.connect():
        sys.exit("the directory does not answer")
    sysvol = open_share("computer", "sysvol")
    values = {}
    for applied in directory.get_gpo_list(proof.get_username()):
        if not applied.file_sys_path:
            continue
        print(applied.display_name)
        path = applied.file_sys_path.split("\\sysvol\\", 1)[1]
        for one in read_values(sysvol, f"{path}\\Machine\\Registry.pol"):
            key, name = one[0].lower(), one[1].lower()
            if name.startswith("**delvals"):
                values = {at: kept for at, kept in values.items() if at[0] != key}
            elif name.startswith("**del."):
                values.pop((key, name.removeprefix("**del.")), None)
            else:
                values[key, name] = one
        tasks = load(sysvol, f"{path}\\Machine\\Preferences\\ScheduledTasks\\ScheduledTasks.xml")
        if tasks:
            (Path(folder) / "ScheduledTasks.xml").write_bytes(tasks)
    # What no policy says any more has to go.
    lines = ["Windows Registry Editor Version 5.00", "", f"[-HKEY_LOCAL_MACHINE\\{AGENT_KEY}]"]
    for key, name, kind, data in values.values():
        text = str(data).replace("\\", "\\\\").replace('"', '\\"')
        shown = f"dword:{data:08x}" if kind == DWORD else f'"{text}"'
        lines += ["", f"[HKEY_LOCAL_MACHINE\\{key}]", f'"{name}"={shown}']
    text = "\r\n".join([*lines, ""])
    (Path(folder) / "policy.reg").write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))


def fetch(name, folder):
    share = open_share("computer", name)
    for found in share.list(""):
        if not found["attrib"] & libsmb.FILE_ATTRIBUTE_DIRECTORY:
            (Path(folder) / found["name"]).write_bytes(share.loadfile(found["name"]))


match sys.argv[1:]:
    case ["set", name, *assignments] if assignments:
        set_policies(name, assignments)
    case ["put", name, path]:
        put(name, path)
    case ["apply", folder]:
        apply(folder)
    case ["fetch", share, folder]:
        fetch(share, folder)
    case _:
        sys.exit(__doc__)
