# bash completion for taskrun, made by: taskrun completion bash

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
