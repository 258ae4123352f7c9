# A learner who logs in with a terminal is in the course; who leaves it is at a shell. provision.sh puts this file into
# /etc/profile.d, with the learner's name. Commands that are given to ssh, scp and the like have no part in it.
# shellcheck shell=sh disable=SC3028 # SHLVL: where a shell does not count, it is the first
if [ "$(id -un)" = LEARNER ] && [ -t 0 ] && [ -t 1 ] && [ "${SHLVL:-1}" = 1 ] && [ ! -e ~/.no-toolkit ]; then
  case $- in
    *i*)
      case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
        *[Uu][Tt][Ff]*) ;;
        *) export LANG=C.UTF-8 ;; # for the lines and arrows of the tutor
      esac
      # One tutor at a time: a second terminal is for trying things out. -o: the lock ends with the tutor.
      flock -n -o -E 75 ~/.toolkit-login sudo toolkit learn
      if [ $? = 75 ]; then
        echo 'The course is open in another terminal.'
      else
        echo 'To go on with the course: sudo toolkit learn    (at each login, until you say: touch ~/.no-toolkit)'
      fi
      ;;
  esac
fi
