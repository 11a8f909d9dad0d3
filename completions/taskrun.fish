# fish completion for taskrun, made by: taskrun completion fish

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
