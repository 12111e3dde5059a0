"""Attacks on the sandbox: programs that print ESCAPED if they get what they want.

`@secret@` stands for a file of the user that holds `top secret`, `@port@` and `@unix@` for a server that listens, `@victim@` for
the process id of a process of the user.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    name: str
    code: str
    control: bool = False
    """It does no harm, so it is also run without the sandbox, to show that it would succeed."""
    must_fail: bool = False
    """It prints nothing when it succeeds; it succeeds by reaching its end."""


RAW = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"

_HARMLESS = {  # network
    "connect to a local server": "import socket; socket.create_connection(('127.0.0.1', @port@)); print('ESCAPED')",
    "open a page": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:@port@/').read(); print('ESCAPED')",
    "offer a server": "import socket; socket.create_server(('127.0.0.1', 0)); print('ESCAPED')",
    "send a datagram": "import socket\n"
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @port@)); print('ESCAPED')",
    "connect to a Unix socket": "import socket; socket.socket(socket.AF_UNIX).connect('@unix@'); print('ESCAPED')",
    "ask the kernel for its routes": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); print('ESCAPED')",
    "make a socket without Python": RAW + "if libc.socket(2, 1, 0) >= 0: print('ESCAPED')",
    # processes
    "fork": "import os\nif os.fork(): os.wait(); print('ESCAPED')",
    "run a command": "import os\nif os.system('true') == 0: print('ESCAPED')",
    "run a program": "import subprocess; subprocess.run(['ls', '/'], check=True, stdout=-3); print('ESCAPED')",
    "become a shell": "import os; os.execv('/bin/sh', ['sh', '-c', 'echo ESCAPED'])",
    "become a fresh interpreter": "import os, sys; os.execv(sys.executable, ['python', '-c', 'print(\"ESCAPED\")'])",
    "spawn": "import os, sys\n"
    "pid = os.posix_spawn(sys.executable, ['python', '-c', ''], {})\nif os.waitpid(pid, 0)[1] == 0: print('ESCAPED')",
    "leave a process behind": "import os\nif os.fork() == 0:\n    os.setsid(); os._exit(0)\nos.wait(); print('ESCAPED')",
    "make a process without Python": RAW + "import os\nn = {'x86_64': 56}.get(os.uname().machine, 220)\n"
    "pid = libc.syscall(n, 17, 0, 0, 0, 0)\n"
    "if pid == 0: os._exit(0)\nif pid > 0: print('ESCAPED')",
    "use a pool of processes": "import multiprocessing as m\n"
    "with m.get_context('fork').Pool(2) as pool: print('ESCAPED' if pool.map(abs, [-1]) == [1] else '')",
    "unpickle a command": "import pickle, os\n"
    "class Bomb:\n    def __reduce__(self): return os.system, ('true',)\n"
    "if pickle.loads(pickle.dumps(Bomb())) == 0: print('ESCAPED')",
    # files
    "read a file of the user": "print('ESCAPED' if 'secret' in open('@secret@').read() else '')",
    "read through a symbolic link": "import os; os.symlink('@secret@', 'link'); print('ESCAPED' if open('link').read() else '')",
    "make a hard link": "import os; os.link('@secret@', 'hard'); print('ESCAPED')",
    "walk up": "print('ESCAPED' if open('../' * 20 + '@secret@').read() else '')",
    "read by a folder's handle": "import os; d = os.open('/', os.O_DIRECTORY)\n"
    "print('ESCAPED' if os.read(os.open('@secret@'[1:], os.O_RDONLY, dir_fd=d), 9) else '')",
    "overwrite a file of the user": "open('@secret@', 'a').close(); print('ESCAPED')",
    "delete a file of the user": "import os, shutil; shutil.copy('@secret@', '@secret@2')\n"
    "os.remove('@secret@2'); print('ESCAPED')",
    "read the environment": "import os; print('ESCAPED' if 'top secret' in os.environ.values() else '')",
    "read another process's environment": "print('ESCAPED' if open('/proc/@victim@/environ', 'rb').read() else '')",
    "read the kernel's list of processes": "import os; print('ESCAPED' if any(map(str.isdigit, os.listdir('/proc'))) else '')",
    # processes of the user, the kernel
    "ask for a process of the user": "import os; os.kill(@victim@, 0); print('ESCAPED')",
    "change a process of the user": "import os; os.setpriority(os.PRIO_PROCESS, @victim@, 19); print('ESCAPED')",
    "read the memory of a process": RAW + "import os\nbuffer = ctypes.create_string_buffer(8)\n"
    "class Vec(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('len', ctypes.c_size_t)]\n"
    "here, there = (Vec(ctypes.addressof(buffer), 8) for _ in range(2))\n"
    "if libc.process_vm_readv(os.getpid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 8: print('ESCAPED')",
    "make a memory file": "import os; os.memfd_create('x'); print('ESCAPED')",
    "share memory with others": RAW + "n = libc.shmget(0, 4096, 0o1600)\n"
    "if n >= 0: libc.shmctl(n, 0, None); print('ESCAPED')",
    "read the keys of the session": RAW + "import os\nn = {'x86_64': 250}.get(os.uname().machine, 219)\n"
    "if libc.syscall(n, 0, -3, 1) > 0: print('ESCAPED')",
}  # fmt: skip

_HARMFUL = {
    # processes
    "fork bomb": "import os\nfor _ in range(10**6):\n    try: os.fork(); print('ESCAPED', flush=True)\n    except OSError: pass",
    "thread bomb": "import threading, time\nthreading.stack_size(32768)\nn = 0\n"
    "try:\n    while n < 5000: threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); n += 1\n"
    "except RuntimeError: pass\nif n > 100: print('ESCAPED')",
    # memory
    "one large block": "bytearray(2 << 30); print('ESCAPED')",
    "many small blocks": "hoard = []\nwhile len(hoard) < 2000: hoard.append(bytearray(1 << 20))\nprint('ESCAPED')",
    "map memory": "import mmap; mmap.mmap(-1, 2 << 30); print('ESCAPED')",
    "raise the limit": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1)); bytearray(2 << 30); print('ESCAPED')",
    "raise the limit of processor time": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)); print('ESCAPED')",
    "decompress a bomb": "import zlib\nbomb = zlib.compress(bytes(1 << 26))\nhoard = [zlib.decompress(bomb) for _ in range(40)]\n"
    "print('ESCAPED')",
    "unpickle a bomb": "import pickle\ncode = b'(lp0\\n' + b'Vha\\np1\\n' + b'(g1\\n' * 1\n"
    "level = ['ha' * 100]\nfor _ in range(30): level = pickle.loads(pickle.dumps([*level, *level]))\nprint('ESCAPED')",
    "fold a string": "text = 'x'\nfor _ in range(40): text += text\nprint('ESCAPED')",
    # time
    "loop for ever": "while True: pass",
    "loop and ignore signals": "import signal\nfor s in set(signal.Signals) - {9, 19}: signal.signal(s, signal.SIG_IGN)\n"
    "while True: pass",
    "compute a tower": "print(len(str(9 ** 9 ** 9)), 'ESCAPED')",
    "match for ever": "import re; re.match(r'(a+)+$', 'a' * 60 + 'b'); print('ESCAPED')",
    "sleep": "import time; time.sleep(3600); print('ESCAPED')",
    "wait for a lock": "import threading\nlock = threading.Lock(); lock.acquire(); lock.acquire(); print('ESCAPED')",
    "leave a thread behind": "import threading, time; threading.Thread(target=time.sleep, args=(3600,)).start()",
    # disk
    "fill the disk": "for i in range(100): open(f'{i}', 'wb').write(bytes(1 << 20))\nprint('ESCAPED')",
    "write one large file": "open('x', 'wb').write(bytes(1 << 26)); print('ESCAPED')",
    "stretch a file": "open('x', 'wb').truncate(1 << 40); print('ESCAPED')",
    "make many files": "for i in range(5000): open(f'{i}', 'w').close()\nprint('ESCAPED')",
    "make many folders": "import os\nfor i in range(5000): os.makedirs(f'a{i}')\nprint('ESCAPED')",
    "write outside": "open('/outside', 'w'); print('ESCAPED')",
    "write beside the libraries": "import os; open(os.path.dirname(os.__file__) + '/planted.py', 'w'); print('ESCAPED')",
    "write to a device": "open('/dev/planted', 'w'); print('ESCAPED')",
    "make files writable": "import os; os.chmod(os.__file__, 0o666); print('ESCAPED')",
    "make a device": "import os, stat; os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(254, 0)); print('ESCAPED')",
    "run an own program": "import os\nopen('p', 'w').write('#!/bin/sh\\necho ESCAPED'); os.chmod('p', 0o755)\n"
    "os.execv('p', ['p'])",
    # output
    "print for ever": "while True: print('x' * 1000)",
    "complain for ever": "import sys\nwhile True: sys.stderr.write('x' * 1000)",
    "print one huge line": "print('x' * (1 << 26))",
    # rights
    "become root": "import os; os.setuid(0); print('ESCAPED')",
    "leave the user namespace": RAW + "if libc.unshare(0x10000000) == 0: print('ESCAPED')",
    "enter another namespace": RAW + "if libc.setns(0, 0) == 0: print('ESCAPED')",
    "mount": RAW + "if libc.mount(b'none', b'/box', b'proc', 0, None) == 0: print('ESCAPED')",
    "make the root writable": RAW + "if libc.mount(None, b'/', None, 4096 | 32, None) == 0: print('ESCAPED')",
    "uncover by unmounting": RAW + "if libc.umount2(b'/box', 2) == 0: print('ESCAPED')",
    "change root": "import os; os.chroot('.'); print('ESCAPED')",
    "trace process 1": RAW + "if libc.ptrace(16, 1, 0, 0) == 0: print('ESCAPED')",
    "load a kernel program": RAW + "import os\nn = {'x86_64': 321}.get(os.uname().machine, 280)\n"
    "if libc.syscall(n, 0, ctypes.create_string_buffer(128), 128) >= 0: print('ESCAPED')",
    "use io_uring": RAW + "if libc.syscall(425, 1, ctypes.create_string_buffer(120)) >= 0: print('ESCAPED')",
    "make a process by clone3": RAW + "import os\narguments = ctypes.create_string_buffer(88)\n"
    "if libc.syscall(435, arguments, 88) >= 0: print('ESCAPED', flush=True)",
    "use calls of 32 bit": RAW + "import mmap\n"
    "page = mmap.mmap(-1, 4096, prot=7); page.write(bytes.fromhex('b814000000cd80c3'))\n"
    "call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
    "if call() > 0: print('ESCAPED')",
    "use calls of x32": RAW + "if libc.syscall(0x40000000 + 41, 2, 1, 0) >= 0: print('ESCAPED')",
    "type into the terminal": "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b'x'); print('ESCAPED')",
    "set the clock": "import time; time.clock_settime(time.CLOCK_REALTIME, time.time()); print('ESCAPED')",
    # signals
    "kill a process of the user": "import os; os.kill(@victim@, 9); print('ESCAPED')",
    "kill the parent": "import os, signal\nfor s in (2, 9, 15, 19): os.kill(os.getppid(), s)\n",
    "kill all": "import os\nfor target in (-1, 0): os.kill(target, 9)",
    # the judge
    "claim success by leaving": "import os; os._exit(0)",
    "forge the report": "import os\nfor fd in range(3, 256):\n"
    "    try: os.write(fd, b'[\"\", \"finished\", \"\"]')\n    except OSError: pass\nos._exit(0)",
    "forge the status": "import os\nfor fd in range(3, 256):\n"
    "    try: os.write(fd, b'{\"code\": 0, \"cpu\": 0}\\n')\n    except OSError: pass\nos._exit(7)",
    "report nonsense": "import os\nfor fd in range(3, 256):\n"
    "    try: os.write(fd, b'[' * 60000)\n    except OSError: pass\nos._exit(0)",
    "report a number": "import os\nfor fd in range(3, 256):\n"
    "    try: os.write(fd, b'5')\n    except OSError: pass\nos._exit(0)",
    "flood the report": "import os\nfor fd in range(3, 256):\n"
    "    try:\n        while True: os.write(fd, bytes(65536))\n    except OSError: pass",
    "raise what cannot be described": "class Odd(BaseException):\n    def __str__(self): raise self\nraise Odd",
    # the interpreter
    "crash": "import ctypes; ctypes.string_at(0); print('ESCAPED')",
    "overflow the stack": "import sys; sys.setrecursionlimit(10**9)\n"
    "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().x\nprint('ESCAPED')",
    "read what nobody types": "input(); print('ESCAPED')",
}  # fmt: skip

ATTACKS = [
    *(Attack(name, code, control=True) for name, code in _HARMLESS.items()),
    *(
        Attack(name, code, must_fail="ESCAPED" not in code and not name.startswith("kill"))
        for name, code in _HARMFUL.items()
    ),
]
