"""Escapes, bombs and leaks, as programs. Each prints ESCAPED if it got through.

The placeholders are facts of the host that a program could not know: SECRET_FILE, PORT of a server on this machine,
HOST_PID of a process, VARIABLE of our environment.
"""

from __future__ import annotations

from dataclasses import dataclass

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@dataclass(frozen=True)
class Attack:
    """A program, and the outcomes of which one must be its end."""

    name: str
    code: str
    ends: tuple[str, ...] = ("ok", "error")


def _syscall(name: str, call: str, *, ends: tuple[str, ...] = ("ok", "error")) -> Attack:
    return Attack(name, f"{LIBC}if {call} >= 0: print('ESCAPED')\nelse: print(ctypes.get_errno())", ends)


def _shown(name: str, expression: str) -> Attack:
    """An attack whose success is a true value."""
    return Attack(name, f"import os, sys, socket\nif {expression}: print('ESCAPED')")


CHEAP = [
    # files outside
    _shown("read a file of the host", "open('SECRET_FILE').read()"),
    _shown("read the password file", "open('/etc/passwd').read()"),
    _shown("read the shadow file", "open('/etc/shadow').read()"),
    _shown("list the root's home", "os.listdir('/root')"),
    _shown("list homes", "os.listdir('/home')"),
    _shown("read /proc of the host", "os.listdir('/proc')"),
    _shown("read our environment in /proc", "open('/proc/HOST_PID/environ').read()"),
    _shown("read kernel settings", "os.listdir('/sys')"),
    _shown("climb out of the folder", "open('../../../../SECRET_FILE').read()"),
    Attack("follow a symlink out", "import os\nos.symlink('SECRET_FILE', 'x')\nprint('ESCAPED', open('x').read())"),
    Attack("follow a hard link out", "import os\nos.link('SECRET_FILE', 'x')\nprint('ESCAPED', open('x').read())"),
    Attack("swap the folder for a link", "import os\nos.rename('/tmp', '/t')\nos.symlink('/', '/tmp')\nprint('ESCAPED')"),
    _shown("follow the descriptors", "open('/dev/fd/3').read()"),
    Attack(
        "use a descriptor that was left open",
        "import os\nfor end in range(3, 256):\n  try: os.fstat(end)\n  except OSError: continue\n  print('ESCAPED', end)",
    ),
    # writing to what others use
    _shown("write to the interpreter", "open(sys.executable, 'r+b')"),
    _shown("write to the standard library", "open(os.__file__, 'a')"),
    _shown("write to /usr", "open('/usr/bin/x', 'w')"),
    _shown("write to the root", "open('/x', 'w')"),
    _shown("make a folder in the root", "os.mkdir('/x') is None"),
    _shown("write to /etc", "open('/etc/ld.so.preload', 'w')"),
    _shown("write to /dev", "open('/dev/x', 'w')"),
    _shown("remove the standard library", "os.unlink(os.__file__) is None"),
    _shown("change rights in /usr", "os.chmod('/usr/bin', 0o777) is None"),
    # mounts and roots
    _syscall("mount", "libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0)"),
    _syscall("mount the root again, writable", "libc.mount(b'none', b'/', b'', 32, 0)"),
    _syscall("unmount", "libc.umount2(b'/tmp', 2)"),
    _syscall("chroot", "libc.chroot(b'/usr')"),
    _syscall("pivot the root", "libc.syscall(155, b'/tmp', b'/tmp')"),
    _syscall("new mount interface", "libc.syscall(430, b'tmpfs', 0)"),
    # namespaces and identities
    _syscall("a user namespace inside", "libc.unshare(0x10000000)"),
    _syscall("a mount namespace inside", "libc.unshare(0x00020000)"),
    _syscall("clone into a user namespace", "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)"),
    _syscall("clone3", "libc.syscall(435, 0, 0)"),
    _syscall("enter a namespace", "libc.setns(0, 0)"),
    _shown("become root", "os.setuid(0) is None"),
    _shown("become root's group", "os.setgid(0) is None"),
    _shown("take other groups", "os.setgroups([0]) is None"),
    _shown("be root", "os.getuid() == 0 or os.geteuid() == 0"),
    _shown("use a program with rights of root", "os.system('su -c true </dev/null 2>/dev/null') == 0"),
    # other processes
    _syscall("trace the parent", "libc.ptrace(16, os.getppid(), 0, 0)"),
    _syscall("be traced", "libc.ptrace(0, 0, 0, 0)"),
    _syscall("read another's memory", "libc.syscall(310, os.getppid(), 0, 0, 0, 0, 0)"),
    _syscall("take another's descriptor", "libc.syscall(438, os.pidfd_open(os.getppid()), 1, 0)"),
    _shown("signal a process of the host", "os.kill(HOST_PID, 0) is None"),
    Attack("kill all that can be seen", "import os, time\nos.kill(-1, 9)\ntime.sleep(9)\nprint('ESCAPED')", ("error", "memory", "timeout")),
    Attack("kill the supervisor", "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(9)\nprint('ESCAPED')", ("error", "timeout")),
    Attack("kill the first process", "import os\nos.kill(1, 9)"),
    _shown("write to the supervisor's terminal", "open('/dev/tty', 'w')"),
    # network
    _shown("connect to a server of this machine", "socket.create_connection(('127.0.0.1', PORT), 1)"),
    _shown("connect to the internet", "socket.create_connection(('1.1.1.1', 53), 1)"),
    _shown("resolve a name", "socket.gethostbyname('localhost.localdomain')"),
    _shown("send a datagram", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))"),
    _shown("raw sockets", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    _shown("packets of the link", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)"),
    _shown("talk to the virtual machine's host", "socket.socket(40, socket.SOCK_STREAM)"),
    _shown("configure the network", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    _shown("see another interface", "[name for _, name in socket.if_nameindex() if name != 'lo']"),
    _shown("the container engine's socket", "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock') is None"),
    # secrets
    _shown("read our environment", "os.environ.get('VARIABLE')"),
    _shown("any secret in the environment", "[name for name in os.environ if 'KEY' in name or 'TOKEN' in name]"),
    _shown("the name of the host", "os.uname().nodename != 'sandbox'"),
    _shown("import our packages", "__import__('tts')"),
    _shown("import packages of the environment", "__import__('numpy')"),
    _syscall("the keys of the session", "libc.syscall(250, 0, -3, 0)"),
    # the kernel
    Attack("device nodes", "import os, stat\nos.mknod('sda', stat.S_IFBLK | 0o600, os.makedev(8, 0))\nprint('ESCAPED')"),
    _shown("kernel memory", "open('/dev/mem', 'rb')"),
    _syscall("load a module", "libc.syscall(313, 0, b'', 0)"),
    _syscall("programs in the kernel", "libc.syscall(321, 0, 0, 0)"),
    _syscall("performance counters", "libc.syscall(298, 0, 0, -1, -1, 0)"),
    _syscall("asynchronous rings", "libc.syscall(425, 1, 0)"),
    _syscall("fault handlers", "libc.syscall(323, 0)"),
    _syscall("change the clock", "libc.syscall(227, 0, (ctypes.c_long * 2)(0, 0))"),
    _syscall("reboot", "libc.reboot(0)"),
    _syscall("rename the host", "libc.sethostname(b'x', 1)"),
    _syscall("the kernel's log", "libc.klogctl(3, ctypes.create_string_buffer(9), 9)"),
    _syscall("calls of 32-bit numbering", "libc.syscall(0x40000000 + 39)"),
    # memory that no limit counts, limits that are lifted
    _syscall("memory files", "libc.syscall(319, b'x', 0)"),
    _syscall("shared segments", "libc.shmget(1, 1 << 20, 0o1666)"),
    _syscall("locked memory", "libc.mlockall(3)"),
    Attack(
        "lift the limits",
        "import resource as r\nfor what in (r.RLIMIT_AS, r.RLIMIT_NPROC, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CPU):\n"
        "  try: r.setrlimit(what, (r.RLIM_INFINITY,) * 2)\n  except ValueError: continue\n  print('ESCAPED')",
    ),
    _shown("real-time priority", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) is None"),
    _shown("raise priority", "os.nice(-5) or True"),
    Attack("a huge file", "with open('x', 'wb') as f:\n  while f.write(b'x' * 2**20): pass\nprint('ESCAPED')", ("error",)),
    Attack(
        "many big files",
        "import os\nfor k in range(99):\n  with open(str(k), 'wb') as f: f.write(b'x' * 2**20)\nprint('ESCAPED')",
        ("error",),
    ),
    Attack("too many open files", "f = [open('/dev/null') for _ in range(5000)]\nprint('ESCAPED')", ("error",)),
    Attack("memory at once", "x = bytearray(2**40)\nprint('ESCAPED')", ("memory",)),
    Attack("memory bit by bit", "x = []\nwhile True: x.append(bytearray(2**20))", ("memory",)),
    Attack("a number that fills memory", "x = 1 << 2**35\nprint('ESCAPED')", ("memory",)),
    Attack("threads", "import threading, time\nfor _ in range(999): threading.Thread(target=time.sleep, args=(9,)).start()\nprint('ESCAPED')", ("error", "timeout", "memory")),
    Attack("processes", "import os, time\nfor _ in range(99):\n  if not os.fork(): time.sleep(9)\nprint('ESCAPED')", ("error",)),
    Attack("recursion in the parser", "eval('(' * 10**6)\nprint('ESCAPED')", ("error", "memory", "output")),
    Attack("a crash of the interpreter", "import ctypes\nctypes.string_at(0)\nprint('ESCAPED')", ("error",)),
    # output and results
    Attack("a flood of output", "while True: print('x' * 9999)", ("output",)),
    Attack("a flood of errors", "import sys\nwhile True: sys.stderr.write('x' * 9999)", ("output",)),
    Attack("a flood past Python", "import os\nwhile True: os.write(1, b'x' * 9999)", ("output",)),
    Attack("write to the supervisor", "import os\nfor end in range(3, 64):\n  try: os.write(end, b'ok 0 0.1 7 0\\nESCAPED')\n  except OSError: pass"),
    Attack("hide behind another main", "import sys\nprint(*['ESCAPED' for m in list(sys.modules.values()) if 'supervisor' in str(getattr(m, '__doc__', ''))])"),
    # what a run leaves for the next
    Attack("leave a file", "import os\nos.makedirs('a/b')\nopen('a/b/left', 'w').write('x')\nos.chmod('a/b', 0)\nos.chmod('a', 0)"),
    _shown("find what another run left", "os.listdir('/tmp')"),
    Attack("leave a process", "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(0.5)\n    open('late', 'w')\n    time.sleep(9)"),
    Attack("find a process that was left", "import time\ntime.sleep(0.7)\nimport os\nif os.path.exists('late'): print('ESCAPED')"),
]  # fmt: skip

SLOW = [
    Attack("never end", "while True: pass", ("timeout",)),
    Attack("sleep", "import time\ntime.sleep(60)\nprint('ESCAPED')", ("timeout",)),
    Attack("ignore signals", "import signal, time\nfor s in set(signal.Signals) - {9, 19}: signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)", ("timeout",)),
    Attack("fork without end", "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", ("timeout", "memory")),
    Attack("stop the supervisor", "import os, time\nos.kill(os.getppid(), 19)\ntime.sleep(60)\nprint('ESCAPED')", ("timeout",)),
    Attack("hold the output open after the end", "import os, time\nif os.fork():\n  os._exit(0)\ntime.sleep(60)\nprint('ESCAPED')", ("ok",)),
    Attack("a regular expression without end", "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", ("timeout",)),
    Attack("memory in many processes", "import os, time\nfor _ in range(2): os.fork()\nx = bytearray(b'x' * (60 << 20))\ntime.sleep(60)", ("memory", "error", "timeout")),
    Attack("memory shared by processes", "import mmap, time\nimport os\nfor _ in range(2): os.fork()\nx = mmap.mmap(-1, 60 << 20)\nfor k in range(0, 60 << 20, 4096): x[k] = 1\ntime.sleep(60)", ("memory", "timeout")),
    Attack("empty files without end", "n = 0\nwhile True:\n  n += 1\n  open(str(n), 'w').close()", ("memory", "timeout", "error")),
    Attack("a number without end", "print(len(str(9 ** 9 ** 9)))", ("timeout", "memory")),
    Attack("wait for input that never comes", "import os\nr, w = os.pipe()\nos.read(r, 1)", ("timeout",)),
]  # fmt: skip
