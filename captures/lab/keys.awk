# Keeps of a strongSwan log (ike = 4, chd = 4, mgr = 2) what opens and explains a capture:
# sentences, and dumps of keys; not the dumps of packets and of the steps between.

# A dump's head names it and is followed by lines of the same thread that begin with an offset.
/ => [0-9]+ bytes @ / {
    keep = / (Sk_[a-z]+ secret|encryption key Ka|initial IV|SKEYID[_a-z]*|(encryption|integrity) (initiator|responder) key) => /
    if (keep) { sub(/ @ 0x[0-9a-f]+/, ""); print }
    next
}
/> +[0-9]+: ([0-9A-F][0-9A-F] )+/ { if (keep) print; next }
{ keep = 0 }
/\[(IKE|CHD)\]|checkout IKEv[12] SA/ { print }
