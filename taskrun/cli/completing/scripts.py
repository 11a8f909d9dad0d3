"""The scripts that shells source: each hands the line to `taskrun` and shows what comes back, and knows nothing itself.

So they need no change when commands and options do. The command on the PATH is asked, not whatever stands first on the
line, which nobody has said is to be executed yet; only without one it is that.
"""

from __future__ import annotations

# `-o nospace`: a whole word comes with its space. bash 3.2 (macOS) has no `nosort`, and no `compopt`.
BASH = r"""# bash completion for taskrun, made by: taskrun completion bash

_taskrun() {
    local program=taskrun reply
    type -P taskrun > /dev/null || program=${1/#\~/$HOME}
    COMPREPLY=()
    while IFS= read -r reply; do
        COMPREPLY+=("$reply")
    done < <(
        _TASKRUN_COMPLETE=bash_complete command "$program" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" \
            2> /dev/null < /dev/null
    )
}

complete -o nospace -o nosort -F _taskrun taskrun 2> /dev/null || complete -o nospace -F _taskrun taskrun
"""

# Answers are `kind TAB value TAB help`. What has help goes through `_describe`, to which a colon ends the value.
ZSH = r"""#compdef taskrun
# zsh completion for taskrun, made by: taskrun completion zsh

_taskrun() {
    local program=taskrun kind value help
    local -a whole parts described
    (( $+commands[taskrun] )) || program=${(Q)words[1]/#\~/$HOME}
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            plain) [[ -n $help ]] && described+=("${value//:/\\:}:$help") || whole+=("$value") ;;
            part) parts+=("$value") ;;
            study | path | directory)
                [[ -n $value ]] && compset -P "${(b)value}"
                case $kind in
                    study) _path_files -/; _path_files -g '*.(yaml|yml|txt|py)(-.)' ;;
                    path) _path_files -f ;;
                    directory) _path_files -/ ;;
                esac
                ;;
        esac
    done < <(
        _TASKRUN_COMPLETE=zsh_complete command "$program" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" \
            2> /dev/null < /dev/null
    )
    (( $#described )) && _describe -V taskrun described
    (( $#whole )) && compadd -V words -a whole
    (( $#parts )) && compadd -V words -S '' -a parts
}

if [[ $funcstack[1] == _taskrun ]]; then
    _taskrun "$@"
else
    compdef _taskrun taskrun
fi
"""

# What ends in `=` or `/` gets no space from fish anyway.
FISH = r"""# fish completion for taskrun, made by: taskrun completion fish

function __taskrun_complete
    set -l words (commandline -opc)
    set -l program taskrun
    command -sq taskrun; or set program $words[1]
    set -l current (commandline -ct)
    set -l unquoted (string unescape -- $current); and set current $unquoted
    env _TASKRUN_COMPLETE=fish_complete $program $words[2..-1] "$current" 2>/dev/null </dev/null
end

complete --command taskrun --erase
complete --command taskrun --no-files --keep-order --arguments '(__taskrun_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
