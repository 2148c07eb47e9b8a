"""What every test stands on: folders of its own instead of the user's, no network, one thread, no deadline."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import hypothesis

# Before anything of the program or of the libraries is imported: some read these once.
_FOLDER = tempfile.mkdtemp(prefix="textgen-tui-tests-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
for _name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "HF_HOME"):
    os.environ[_name] = os.path.join(_FOLDER, _name.lower())
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# A slow machine is no fault of the program.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")
