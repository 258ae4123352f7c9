# The learner's shell in the lab. Not exported, so that a shell started inside a new root shows its own prompt.
PS1='\[\e[1m\]lab\[\e[0m\]:\w# '
HISTFILE=
unset PROMPT_COMMAND
