"""What each preset makes of the same requests, as golden files.

`requests/` holds Responses requests, `goldens/<preset>.json` what leaves for each of them and what is noted, or the
refusal. `python -m tests.dialects.accept` writes the goldens from what the code does now; `git diff tests/dialects` is
for a person to compare with the provider's documentation. The rules of `tests.support.judges.provider_rules` are held
against them without the code: a golden that breaks one cannot be accepted.
"""
