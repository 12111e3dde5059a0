"""Questions in plain words with the calls that answer them: how a small model learns to use `mix_lora_experts`."""

from tools.contract import Worked

WORKED = (
    Worked(
        question="Which LoRA expert does the gate use most for the prompt 'import os, sys'?",
        asked="which expert is used most",
        given="prompt 'import os, sys'",
        calls=({"action": "explain", "prompt": "import os, sys"},),
        answers=("a.main_expert",),
    ),
    Worked(
        question="Over 2 test documents a domain, what perplexity does the gated mixture of all four experts reach?",
        asked="perplexity of the gated mixture",
        given="2 test documents a domain",
        calls=({"action": "score", "documents": 2},),
        answers=("a.mixed_perplexity",),
    ),
    Worked(
        question="By how much is the gated mixture below uniform mixing in perplexity, on 3 documents of each domain?",
        asked="by how much is it below uniform mixing",
        given="3 documents of each domain",
        compare="difference",
        calls=({"action": "score", "documents": 3},),
        answers=("a.uniform_perplexity - a.mixed_perplexity",),
    ),
    Worked(
        question="Let the expert mixture continue 'def main(' by 12 tokens. What does it write?",
        asked="what does it write",
        given="prompt 'def main(', 12 tokens",
        calls=({"action": "generate", "prompt": "def main(", "max_new_tokens": 12},),
        answers=("a.text",),
    ),
    Worked(
        question="Which expert dominates in 'Compound: ethanol', and how undecided is the gate there?",
        asked="which expert dominates, and the gate's entropy",
        given="prompt 'Compound: ethanol'",
        calls=({"action": "explain", "prompt": "Compound: ethanol"},),
        answers=("a.main_expert", "a.entropy"),
    ),
)
